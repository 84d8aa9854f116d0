/** Tables for a terminal. */
export { formatFacts, formatTable } from '../viz/text-table.ts';
