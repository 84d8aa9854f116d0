/**
 * The events of a chunk, one after the other, as numbers of which each is held against what came before: the site by which one
 * followed the last sites, what is new about a site by the sites of the same place, times by what the site took the last time and by
 * what the event before it had cost. Writing and reading are the same walk: rows that are read begin empty, and are filled on the way.
 */
import { MalformedError } from '../messagepack.ts';
import { EVENT_SPEC_BY_CODE, type EventColumn } from '../schema.ts';

import { type EventRowOfSite, type EventRows, fixedColumns, type SiteRow, varyingColumns } from './event-rows.ts';
import { contextOf } from './hash.ts';
import { NameModel } from './name-model.ts';
import { lengthOf, type NumberModel } from './number-model.ts';

/** Numbers of fields for {@link NumberModel}. The fields of sites and of events have their column codes from these on. */
export const FIELD = {
  first: 0,
  count: 1,
  site: 2,
  kind: 3,
  hart: 4,
  pc: 5,
  present: 6,
  icount: 7,
  wait: 8,
  ofSite: 32,
  ofEvent: 128,
} as const;

/** Fields that are the cycles of an event: entry, handling, return. */
const COST_CODES: ReadonlySet<number> = new Set([1, 2, 3]);

/** A field that was larger is coded by how far it is from what its site had last. */
const SMALL_MAX = 255n;

/** What is known of a kind: its columns, and which of those that vary have a value other than 0 in this chunk. */
interface Kind {
  readonly fixed: readonly EventColumn[];
  readonly varying: readonly EventColumn[];
  readonly present: readonly boolean[];
}

/** A site with what its events had last. */
class Site {
  readonly row: SiteRow;
  readonly kind: Kind;
  /** The site before it of the same kind at the same pc. */
  readonly kin: Site | undefined;
  events = 0;
  /** How far instruction count and stall went to the last event, the latter beyond what was owed. */
  step: bigint | undefined;
  wait: bigint | undefined;
  /** Of each field that varies: the last value, and how far it was from the one before. */
  readonly values: bigint[] = [];
  readonly changes: bigint[] = [];
  readonly cost: bigint;
  /** The site that came after it the last time. */
  next = -1;

  constructor(row: SiteRow, kind: Kind, kin: Site | undefined) {
    this.row = row;
    this.kind = kind;
    this.kin = kin;
    this.cost = kind.fixed.reduce(
      (sum, { code }, index) => (COST_CODES.has(code) ? sum + (row.fields[index] as bigint) : sum),
      0n,
    );
  }
}

export class EventModel {
  readonly #numbers: NumberModel;
  readonly #names: NameModel;
  readonly #rows: EventRows;
  readonly #sites: Site[] = [];
  readonly #kinds = new Map<number, Kind>();
  /** What came last in a context: sites, and numbers. */
  readonly #siteAfter = new Map<number, number>();
  readonly #siteAt = new Map<number, Site>();
  readonly #last = new Map<number, bigint>();
  readonly #lastOfKind = new Map<number, Site>();
  /** The last three sites, the latest first; -1 for none. */
  #way: readonly [number, number, number] = [-1, -1, -1];
  #siteHistory = 0;
  #icount = 0n;
  #stall = 0n;
  /** Cycles that events have cost and that have not passed. */
  #owed = 0n;

  /** @param rows to be written; where they are read, as many events as there are, without contents */
  constructor(numbers: NumberModel, rows: EventRows) {
    this.#numbers = numbers;
    this.#names = new NameModel(numbers, rows.names);
    this.#rows = rows;
  }

  code(): void {
    for (const event of this.#rows.events) {
      this.#codeSite(event);
      const site = this.#sites[event.site] as Site;
      this.#codeStamp(event, site);
      this.#codeFields(event, site);
      site.events += 1;
    }
  }

  #codeSite(event: EventRowOfSite): void {
    const fresh = this.#sites.length;
    const [last, second, third] = this.#way;
    const keys = [contextOf(3, last, second, third), contextOf(2, last, second), contextOf(1, last)];
    const known = keys.map((key) => this.#siteAfter.get(key));
    // How many new sites back: 0 is one that has not come yet.
    const backOf = (site: number): bigint => BigInt(fresh - site);
    const candidates = [...known.map((site) => backOf(site ?? fresh)), 0n];
    const before = this.#sites[last];
    const contexts = [
      contextOf(last),
      contextOf(...known.map((site) => (site === undefined ? 0 : 1)), before?.row.kind ?? 0),
      keys[0] as number,
      contextOf(before?.kin?.next ?? -1, this.#siteHistory),
    ];
    const back = this.#numbers.code(backOf(event.site), FIELD.site, candidates, contexts);
    if (back > BigInt(fresh)) throw new MalformedError('an event at a site that there is not');
    event.site = fresh - Number(back);
    this.#siteHistory = ((this.#siteHistory << 2) | (back === 0n ? 0 : back === candidates[0] ? 1 : 2)) & 0xff;
    if (back === 0n) this.#codeNewSite(event.site, before);
    if (before !== undefined) before.next = event.site;
    for (const key of keys) this.#siteAfter.set(key, event.site);
    this.#way = [event.site, last, second];
    const site = this.#sites[event.site] as Site;
    this.#siteAt.set(contextOf(1, before?.row.kind ?? 0, before?.row.pc ?? 0n), site);
  }

  #codeNewSite(number: number, before: Site | undefined): void {
    const row = this.#rows.sites[number] ?? { kind: 0, hart: 0n, pc: 0n, fields: [] };
    this.#rows.sites[number] = row;
    const [lastKind, lastPc] = [before?.row.kind ?? 0, before?.row.pc ?? 0n];
    const after = this.#siteAt.get(contextOf(1, lastKind, lastPc));
    const kindContexts = [contextOf(lastKind), contextOf(lastKind, lastPc)];
    const kindCandidates = [after && BigInt(after.row.kind), BigInt(lastKind)];
    row.kind = Number(this.#numbers.code(BigInt(row.kind), FIELD.kind, kindCandidates, kindContexts));
    const kind = this.#kindOf(row.kind);
    const alike = this.#lastOfKind.get(row.kind);
    row.hart = this.#numbers.code(row.hart, FIELD.hart, [alike?.row.hart ?? 0n], []);
    const base = alike?.row.pc ?? lastPc;
    const pcCandidates = [after?.row.kind === row.kind ? after.row.pc : undefined, lastPc, base];
    const pcContexts = [contextOf(row.kind), contextOf(row.kind, lastKind), contextOf(after === undefined ? 0 : 1)];
    row.pc = this.#numbers.code(row.pc, FIELD.pc, pcCandidates, pcContexts, base);
    const place = contextOf(2, row.kind, row.pc);
    const kin = this.#siteAt.get(place);
    this.#codeSiteFields(row, kind, kin, alike, lastKind);
    const site = new Site(row, kind, kin);
    this.#sites.push(site);
    this.#siteAt.set(place, site);
    this.#lastOfKind.set(row.kind, site);
  }

  #codeSiteFields(
    row: SiteRow,
    { fixed }: Kind,
    kin: Site | undefined,
    alike: Site | undefined,
    lastKind: number,
  ): void {
    let soFar = contextOf(row.kind);
    for (const [index, { code, type }] of fixed.entries()) {
      const field = FIELD.ofSite + code;
      const ofKin = kin?.row.fields[index];
      const ofAlike = alike?.row.fields[index];
      const key = contextOf(field, soFar);
      const changeKey = contextOf(field, row.kind, 3);
      const again = this.#last.get(key);
      const candidates =
        type === 'name'
          ? [ofKin ?? again, again, ofAlike, BigInt(this.#names.count)]
          : [sumOf(ofKin, this.#last.get(changeKey)), ofKin, again, ofAlike];
      const contexts = [soFar, contextOf(row.kind, row.pc), contextOf(ofAlike ?? 0n), contextOf(row.kind, lastKind)];
      const value = this.#numbers.code(row.fields[index] ?? 0n, field, candidates, contexts);
      if (type === 'name') this.#names.expect(value);
      if (ofKin !== undefined) this.#last.set(changeKey, word(value - ofKin));
      this.#last.set(key, value);
      row.fields[index] = value;
      soFar = contextOf(soFar, value);
    }
  }

  #kindOf(code: number): Kind {
    const known = this.#kinds.get(code);
    if (known !== undefined) return known;
    const spec = EVENT_SPEC_BY_CODE.get(code);
    if (spec === undefined) throw new MalformedError(`event kind ${code} is not known`);
    const varying = varyingColumns(spec);
    const rows = this.#rows;
    const present = varying.map((_, index) => {
      const isPresent = rows.events.some(
        ({ site, fields }) => rows.sites[site]?.kind === code && (fields[index] ?? 0n) !== 0n,
      );
      return this.#numbers.code(isPresent ? 1n : 0n, FIELD.present, [1n], []) === 1n;
    });
    const kind = { fixed: fixedColumns(spec), varying, present };
    this.#kinds.set(code, kind);
    return kind;
  }

  #codeStamp(event: EventRowOfSite, site: Site): void {
    const like = site.events > 0 ? site : (site.kin ?? site);
    const { step, wait } = like;
    const number = event.site;
    const { kind, pc } = site.row;
    const before = this.#sites[this.#way[1]];
    const stepContexts = [
      contextOf(kind),
      contextOf(number),
      contextOf(kind, before?.row.kind ?? 0, word(pc - (before?.row.pc ?? 0n))),
      contextOf(before?.row.kind ?? 0, step ?? -1n),
    ];
    const coded = this.#numbers.code(word(event.icount - this.#icount), FIELD.icount, [step, 0n], stepContexts);
    const length = lengthOf(coded);
    const waitContexts = [contextOf(number, coded), contextOf(length), contextOf(length, lengthOf(wait ?? 0n))];
    const waited = word(event.stall - this.#stall - this.#owed);
    const codedWait = this.#numbers.code(waited, FIELD.wait, [wait, 0n], waitContexts, 0n);
    event.icount = word(this.#icount + coded);
    event.stall = word(this.#stall + this.#owed + codedWait);
    const left = -BigInt.asIntN(64, codedWait);
    this.#owed = (left > 0n ? left : 0n) + site.cost;
    this.#icount = event.icount;
    this.#stall = event.stall;
    site.step = coded;
    site.wait = codedWait;
  }

  #codeFields(event: EventRowOfSite, site: Site): void {
    let soFar = contextOf(event.site);
    for (const [index, { code }] of site.kind.varying.entries()) {
      const isPresent = site.kind.present[index] === true;
      event.fields[index] = isPresent ? this.#codeField(event, site, index, FIELD.ofEvent + code, soFar) : 0n;
      if (isPresent) soFar = contextOf(soFar, event.fields[index]);
    }
  }

  /** @param soFar context of the site and of the fields before this one */
  #codeField(event: EventRowOfSite, site: Site, index: number, field: number, soFar: number): bigint {
    const { kind, fields } = site.row;
    const own = site.values[index];
    const like = own ?? site.kin?.values[index] ?? 0n;
    const lastKey = contextOf(field, kind, 1);
    const changeKey = contextOf(field, kind, 2);
    const key = contextOf(field, soFar);
    const last = this.#last.get(lastKey);
    const ownStep = sumOf(own, site.changes[index]);
    const stepped = ownStep ?? sumOf(last, this.#last.get(changeKey));
    const contexts = [contextOf(event.site), contextOf(kind, fields.at(-1) ?? 0n), soFar, contextOf(like)];
    const candidates = [like, stepped, this.#last.get(key)];
    const base = own !== undefined && own > SMALL_MAX ? own : undefined;
    const value = this.#numbers.code(event.fields[index] ?? 0n, field, candidates, contexts, base);
    if (own !== undefined) site.changes[index] = word(value - own);
    if (last !== undefined) this.#last.set(changeKey, word(value - last));
    site.values[index] = value;
    this.#last.set(lastKey, value);
    this.#last.set(key, value);
    return value;
  }
}

function sumOf(value: bigint | undefined, change: bigint | undefined): bigint | undefined {
  return value === undefined || change === undefined ? undefined : word(value + change);
}

function word(value: bigint): bigint {
  return BigInt.asUintN(64, value);
}
