/** Text from traces and guests, made harmless for a terminal: names and messages in a trace may be anybody's. */

/** The text with all control characters but newlines and tabs replaced. */
export function printable(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  return text.replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g, '\ufffd');
}
