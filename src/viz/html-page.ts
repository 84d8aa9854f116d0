/** The frame of every page: one HTML file that fetches nothing, and says so in a content security policy. */

export interface PageParts {
  /** Text, before the name of the program. */
  readonly title: string;
  readonly style: string;
  /** HTML. What goes into it that is not of this program's making is escaped. */
  readonly body: string;
  /** Whether scripts in the page may run: none by default. */
  readonly hasScripts?: boolean;
}

/** One self-contained HTML file: the same text for the same parts. */
export function htmlPage({ title, style, body, hasScripts = false }: PageParts): string {
  const scripts = hasScripts ? "; script-src 'unsafe-inline'" : '';
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'${scripts}">
<meta name="color-scheme" content="light dark">
<title>${escapeHtml(title)} - Paratrace</title>
<style>${style}</style>
</head>
<body>
${body}
</body>
</html>
`;
}

/** Text that means nothing to HTML, in element content and in quoted attributes. */
export function escapeHtml(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", '&#39;');
}
