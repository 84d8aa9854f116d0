export function bundleReport(): Promise<string>;
export function buildReportBundle(outFile: string): Promise<void>;
