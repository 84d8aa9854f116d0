import type { Plugin } from 'esbuild';

export function withoutTables(text: string): string;
export const fflateTables: Plugin;
