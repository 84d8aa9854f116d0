/**
 * The tables of `docs/trace-format.md`, made from the schema. `test/trace/format-doc.test.ts` compares them with the document, and
 * writes them into it when it is run with `UPDATE_DOCS=1`.
 */

import { EVENT_KINDS } from '../src/hypervisor/events.ts';
import { DICTIONARY_TEXTS } from '../src/trace/dictionary.ts';
import { LOGISTIC, TRUST } from '../src/trace/model/bit-model.ts';
import { FIELD } from '../src/trace/model/event-model.ts';
import { NAME_FIELD } from '../src/trace/model/name-model.ts';
import {
  CHUNK_KINDS,
  CODING,
  COLUMN_CODING,
  CONFIG_CHOICES,
  CONFIG_FIELDS,
  COUNTER_FIELDS,
  type ColumnSpec,
  DIGEST_COLUMNS,
  END_FIELDS,
  END_REASON_NAMES,
  EVENT_SHARED_COLUMNS,
  EVENT_SPECS,
  type EventColumn,
  FORMAT_VERSION,
  FRAME_BYTES,
  FRAME_FIELDS,
  INDEX_COLUMNS,
  INPUT_COLUMNS,
  INPUT_PORT_CODES,
  INPUT_VIA_CODES,
  LIMITS,
  MAGIC,
  MEANING,
  SITE_SHARED_COLUMNS,
  TAIL_MAGIC,
  TOTAL_FIELDS,
} from '../src/trace/schema.ts';
import { type Cell, fillTables, table } from './doc-tables.ts';

/** All tables, by the name that stands in the document in `<!-- table: NAME -->`. */
export function formatTables(): ReadonlyMap<string, string> {
  return new Map([
    ['preamble', preambleTable()],
    ['frame', frameTable()],
    ['codings', table(['coding', 'code'], Object.entries(CODING))],
    ['chunks', table(['kind', 'code', 'holds'], aboutRows(CHUNK_KINDS))],
    ['limits', table(['limit', 'at most'], Object.entries(LIMITS))],
    ['dictionary', DICTIONARY_TEXTS.map((text) => `\`${text}\``).join(', ')],
    ['model-trust', TRUST.join(', ')],
    ['model-logistic', LOGISTIC.join(', ')],
    [
      'model-fields',
      table(
        ['number', 'field'],
        Object.entries({ ...FIELD, ...NAME_FIELD }).map(([name, field]) => [`\`${name}\``, field]),
      ),
    ],
    ['column-codings', table(['coding', 'code', 'bytes after the code'], aboutRows(COLUMN_CODING))],
    ['config', table(['field', 'type', 'values'], configRows())],
    ['meaning', table(['field', 'text'], Object.entries(MEANING))],
    ['inputs', columnTable(INPUT_COLUMNS)],
    ['ports', table(['port', 'code'], Object.entries(INPUT_PORT_CODES))],
    ['via', table(['via', 'code'], Object.entries(INPUT_VIA_CODES))],
    ['digests', columnTable(DIGEST_COLUMNS)],
    ['counters', table(['counter', 'what it counts'], Object.entries(COUNTER_FIELDS))],
    ['end', table(['field', 'type'], Object.entries(END_FIELDS))],
    ['reasons', END_REASON_NAMES.map((reason) => `\`${reason}\``).join(', ')],
    ['index', columnTable(INDEX_COLUMNS)],
    ['totals', table(['field', 'type'], Object.entries(TOTAL_FIELDS))],
    ['shared', columnTable(EVENT_SHARED_COLUMNS)],
    ['sites', columnTable(SITE_SHARED_COLUMNS)],
    ['events', eventTables()],
  ]);
}

/** The document with all tables as they are now. */
export function withTables(document: string): string {
  return fillTables('docs/trace-format.md', document, formatTables());
}

function preambleTable(): string {
  return table(
    ['offset', 'bytes', 'value'],
    [
      [0, MAGIC.length, MAGIC.map(hexByte).join(' ')],
      [MAGIC.length, 2, `major version, ${FORMAT_VERSION.major}`],
      [MAGIC.length + 2, 2, `minor version, ${FORMAT_VERSION.minor}`],
    ],
  );
}

function frameTable(): string {
  const rows = Object.entries(FRAME_FIELDS).map(([name, { offset, sizeBytes, about }]) => [
    name,
    offset,
    sizeBytes,
    about,
  ]);
  const after = `The payload follows at offset ${FRAME_BYTES}. The closing bytes of the file end with ${TAIL_MAGIC.map(hexByte).join(' ')}.`;
  return `${table(['field', 'offset', 'bytes', 'value'], rows)}\n\n${after}`;
}

function configRows(): Cell[][] {
  return Object.entries(CONFIG_FIELDS).map(([name, type]) => {
    const choices = CONFIG_CHOICES[name]?.map((choice) => `\`${choice}\``).join(', ');
    return [name, type, choices ?? ''];
  });
}

function eventTables(): string {
  return EVENT_SPECS.map(({ kind, code, about, columns }) => {
    const lane = EVENT_KINDS[kind].lane;
    const fields = columns.length === 0 ? 'No columns.' : fieldTable(columns);
    return `### ${code}: \`${kind}\`\n\n${about} Lane: ${lane}.\n\n${fields}`;
  }).join('\n\n');
}

function fieldTable(columns: readonly EventColumn[]): string {
  return table(
    ['column', 'code', 'type', 'row per'],
    columns.map(({ name, code, type, varies }) => [name, code, type, varies ? 'event' : 'site']),
  );
}

function columnTable(columns: readonly ColumnSpec[]): string {
  return table(
    ['column', 'code', 'type'],
    columns.map(({ name, code, type }) => [name, code, type]),
  );
}

function aboutRows(rows: Readonly<Record<string, { readonly code: number; readonly about: string }>>): Cell[][] {
  return Object.entries(rows).map(([name, { code, about }]) => [name, code, about]);
}

function hexByte(byte: number): string {
  return byte.toString(16).padStart(2, '0');
}
