/**
 * The events of a chunk, one after the other, as numbers of which each is held against what came before: the site by which one
 * followed the last sites, what is new about a site by the sites of the same place, times by what the site took the last time and by
 * what the event before it had cost. Writing and reading are the same walk: rows that are read begin empty, and are filled on the way.
 */
import { MalformedError } from '../messagepack.ts';
import type { EventColumn } from '../schema.ts';
import { columnsOf, type EventRowOfSite, type EventRows, type KindColumns, type SiteRow } from './event-rows.ts';
import { contextOf, withNumber, withWord } from './hash.ts';
import { NameModel } from './name-model.ts';
import type { NumberModel } from './number-model.ts';
import { difference, lengthOf, ONE, sum, toNumber, type Word, wordOf, ZERO } from './word.ts';

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
const SMALL_MAX = 255;

/** Contexts begin with what they are of. */
const AFTER_ONE = contextOf(1);
const AFTER_TWO = contextOf(2);
const AFTER_THREE = contextOf(3);
const AT_EVENT = contextOf(1);
const AT_SITE = contextOf(2);
const ONLY_ONE: readonly Word[] = [ONE];
const NOTHING: readonly number[] = [];
const MINUS_ONE: Word = { low: -1, high: -1 };

/** What is known of a kind: its columns, and which of those that vary have a value other than 0 in this chunk. */
interface Kind extends KindColumns {
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
  step: Word | undefined;
  wait: Word | undefined;
  /** Of each field that varies: the last value, and how far it was from the one before. */
  readonly values: Word[] = [];
  readonly changes: Word[] = [];
  readonly cost: Word;
  /** The site that came after it the last time. */
  next = -1;

  constructor(row: SiteRow, kind: Kind, kin: Site | undefined) {
    this.row = row;
    this.kind = kind;
    this.kin = kin;
    this.cost = costOf(row, kind.fixed);
  }
}

function costOf({ fields }: SiteRow, fixed: readonly EventColumn[]): Word {
  let cost = ZERO;
  for (let index = 0; index < fixed.length; index++) {
    if (COST_CODES.has((fixed[index] as EventColumn).code)) cost = sum(cost, fields[index] as Word);
  }
  return cost;
}

export class EventModel {
  readonly #numbers: NumberModel;
  readonly #names: NameModel;
  readonly #rows: EventRows;
  readonly #sites: Site[] = [];
  readonly #kinds: (Kind | undefined)[] = [];
  /** What came last in a context: sites, and numbers. */
  readonly #siteAfter = new Map<number, number>();
  readonly #siteAt = new Map<number, Site>();
  readonly #last = new Map<number, Word>();
  readonly #lastOfKind: (Site | undefined)[] = [];
  /** The last three sites; -1 for none. */
  #latest = -1;
  #second = -1;
  #third = -1;
  #siteHistory = 0;
  #icount = ZERO;
  #stall = ZERO;
  /** Cycles that events have cost and that have not passed. */
  #owed = ZERO;

  /** @param rows to be written; where they are read, as many events as there are, without contents */
  constructor(numbers: NumberModel, rows: EventRows) {
    this.#numbers = numbers;
    this.#names = new NameModel(numbers, rows.names);
    this.#rows = rows;
  }

  code(): void {
    const { events } = this.#rows;
    for (let at = 0; at < events.length; at++) {
      const event = events[at] as EventRowOfSite;
      const before = this.#sites[this.#latest];
      this.#codeSite(event, before);
      const site = this.#sites[event.site] as Site;
      this.#codeStamp(event, site, before);
      this.#codeFields(event, site);
      site.events += 1;
    }
  }

  #codeSite(event: EventRowOfSite, before: Site | undefined): void {
    const fresh = this.#sites.length;
    const [latest, second, third] = [this.#latest, this.#second, this.#third];
    const afterThree = withNumber(withNumber(withNumber(AFTER_THREE, latest), second), third);
    const afterTwo = withNumber(withNumber(AFTER_TWO, latest), second);
    const afterOne = withNumber(AFTER_ONE, latest);
    const siteAfter = this.#siteAfter;
    const byThree = siteAfter.get(afterThree);
    const byTwo = siteAfter.get(afterTwo);
    const byOne = siteAfter.get(afterOne);
    const lastKind = before === undefined ? 0 : before.row.kind;
    const lastPc = before === undefined ? ZERO : before.row.pc;
    // How many new sites back: 0 is one that has not come yet.
    const back = { low: fresh - (byThree ?? fresh), high: 0 };
    const candidates = [back, wordOf(fresh - (byTwo ?? fresh)), wordOf(fresh - (byOne ?? fresh)), ZERO];
    const isKnown = withNumber(
      contextOf(byThree === undefined ? 0 : 1, byTwo === undefined ? 0 : 1),
      byOne === undefined ? 0 : 1,
    );
    const contexts = [
      contextOf(latest),
      withNumber(isKnown, lastKind),
      afterThree,
      contextOf(before?.kin?.next ?? -1, this.#siteHistory),
    ];
    const coded = toNumber(this.#numbers.code(wordOf(fresh - event.site), FIELD.site, candidates, contexts));
    if (coded > fresh) throw new MalformedError('an event at a site that there is not');
    const number = fresh - coded;
    event.site = number;
    this.#siteHistory = ((this.#siteHistory << 2) | (coded === 0 ? 0 : coded === back.low ? 1 : 2)) & 0xff;
    if (coded === 0) this.#codeNewSite(number, before);
    if (before !== undefined) before.next = number;
    siteAfter.set(afterThree, number);
    siteAfter.set(afterTwo, number);
    siteAfter.set(afterOne, number);
    this.#third = second;
    this.#second = latest;
    this.#latest = number;
    this.#siteAt.set(withWord(withNumber(AT_EVENT, lastKind), lastPc), this.#sites[number] as Site);
  }

  #codeNewSite(number: number, before: Site | undefined): void {
    const row = this.#rows.sites[number] ?? { kind: 0, hart: ZERO, pc: ZERO, fields: [] };
    this.#rows.sites[number] = row;
    const [lastKind, lastPc] = [before?.row.kind ?? 0, before?.row.pc ?? ZERO];
    const after = this.#siteAt.get(withWord(withNumber(AT_EVENT, lastKind), lastPc));
    const kindContexts = [contextOf(lastKind), withWord(contextOf(lastKind), lastPc)];
    const kindCandidates = [after && wordOf(after.row.kind), wordOf(lastKind)];
    row.kind = toNumber(this.#numbers.code(wordOf(row.kind), FIELD.kind, kindCandidates, kindContexts));
    const kind = this.#kindOf(row.kind);
    const alike = this.#lastOfKind[row.kind];
    row.hart = this.#numbers.code(row.hart, FIELD.hart, [alike?.row.hart ?? ZERO], NOTHING);
    const base = alike?.row.pc ?? lastPc;
    const pcCandidates = [after?.row.kind === row.kind ? after.row.pc : undefined, lastPc, base];
    const pcContexts = [contextOf(row.kind), contextOf(row.kind, lastKind), contextOf(after === undefined ? 0 : 1)];
    row.pc = this.#numbers.code(row.pc, FIELD.pc, pcCandidates, pcContexts, base);
    const place = withWord(withNumber(AT_SITE, row.kind), row.pc);
    const kin = this.#siteAt.get(place);
    this.#codeSiteFields(row, kind, kin, alike, lastKind);
    const site = new Site(row, kind, kin);
    this.#sites.push(site);
    this.#siteAt.set(place, site);
    this.#lastOfKind[row.kind] = site;
  }

  #codeSiteFields(
    row: SiteRow,
    { fixed }: Kind,
    kin: Site | undefined,
    alike: Site | undefined,
    lastKind: number,
  ): void {
    const lasts = this.#last;
    const ofPlace = withWord(contextOf(row.kind), row.pc);
    const ofKinds = contextOf(row.kind, lastKind);
    let soFar = contextOf(row.kind);
    for (let index = 0; index < fixed.length; index++) {
      const { code, type } = fixed[index] as EventColumn;
      const field = FIELD.ofSite + code;
      const ofKin = kin?.row.fields[index];
      const ofAlike = alike?.row.fields[index];
      const key = contextOf(field, soFar);
      const changeKey = withNumber(contextOf(field, row.kind), 3);
      const again = lasts.get(key);
      const candidates =
        type === 'name'
          ? [ofKin ?? again, again, ofAlike, wordOf(this.#names.count)]
          : [sumOf(ofKin, lasts.get(changeKey)), ofKin, again, ofAlike];
      const contexts = [soFar, ofPlace, withWord(0, ofAlike ?? ZERO), ofKinds];
      const value = this.#numbers.code(row.fields[index] ?? ZERO, field, candidates, contexts);
      if (type === 'name') this.#names.expect(value);
      if (ofKin !== undefined) lasts.set(changeKey, difference(value, ofKin));
      lasts.set(key, value);
      row.fields[index] = value;
      soFar = withWord(contextOf(soFar), value);
    }
  }

  #kindOf(code: number): Kind {
    const known = this.#kinds[code];
    if (known !== undefined) return known;
    const columns = columnsOf(code);
    if (columns === undefined) throw new MalformedError(`event kind ${code} is not known`);
    const ofKind = this.#rows.present[code] ?? [];
    const present = columns.varying.map((_, index) => {
      return toNumber(this.#numbers.code(ofKind[index] ? ONE : ZERO, FIELD.present, ONLY_ONE, NOTHING)) === 1;
    });
    const kind = { ...columns, present };
    this.#kinds[code] = kind;
    return kind;
  }

  #codeStamp(event: EventRowOfSite, site: Site, before: Site | undefined): void {
    const { step, wait } = site.events > 0 ? site : (site.kin ?? site);
    const number = event.site;
    const { kind, pc } = site.row;
    const lastKind = before === undefined ? 0 : before.row.kind;
    const ofKind = contextOf(kind);
    const stepContexts = [
      ofKind,
      contextOf(number),
      withWord(withNumber(ofKind, lastKind), before === undefined ? pc : difference(pc, before.row.pc)),
      withWord(contextOf(lastKind), step ?? MINUS_ONE),
    ];
    const steps = difference(event.icount, this.#icount);
    const coded = this.#numbers.code(steps, FIELD.icount, [step, ZERO], stepContexts);
    const ofLength = contextOf(lengthOf(coded));
    const waitContexts = [
      withWord(contextOf(number), coded),
      ofLength,
      withNumber(ofLength, wait === undefined ? 0 : lengthOf(wait)),
    ];
    const due = sum(this.#stall, this.#owed);
    const waited = difference(event.stall, due);
    const codedWait = this.#numbers.code(waited, FIELD.wait, [wait, ZERO], waitContexts, ZERO);
    event.icount = sum(this.#icount, coded);
    event.stall = sum(due, codedWait);
    this.#owed = codedWait.high < 0 ? sum(difference(ZERO, codedWait), site.cost) : site.cost;
    this.#icount = event.icount;
    this.#stall = event.stall;
    site.step = coded;
    site.wait = codedWait;
  }

  #codeFields(event: EventRowOfSite, site: Site): void {
    const { varying, present } = site.kind;
    let soFar = contextOf(event.site);
    for (let index = 0; index < varying.length; index++) {
      if (present[index] !== true) {
        event.fields[index] = ZERO;
        continue;
      }
      const field = FIELD.ofEvent + (varying[index] as EventColumn).code;
      const value = this.#codeField(event, site, index, field, soFar);
      event.fields[index] = value;
      soFar = withWord(contextOf(soFar), value);
    }
  }

  /** @param soFar context of the site and of the fields before this one */
  #codeField(event: EventRowOfSite, site: Site, index: number, field: number, soFar: number): Word {
    const { kind, fields } = site.row;
    const lasts = this.#last;
    const own = site.values[index];
    const like = own ?? site.kin?.values[index] ?? ZERO;
    const ofKind = contextOf(field, kind);
    const lastKey = withNumber(ofKind, 1);
    const changeKey = withNumber(ofKind, 2);
    const key = contextOf(field, soFar);
    const last = lasts.get(lastKey);
    const stepped = sumOf(own, site.changes[index]) ?? sumOf(last, lasts.get(changeKey));
    const ofLastField = withWord(contextOf(kind), fields[fields.length - 1] ?? ZERO);
    const contexts = [contextOf(event.site), ofLastField, soFar, withWord(0, like)];
    const base = own !== undefined && toNumber(own) > SMALL_MAX ? own : undefined;
    const candidates = [like, stepped, lasts.get(key)];
    const value = this.#numbers.code(event.fields[index] ?? ZERO, field, candidates, contexts, base);
    if (own !== undefined) site.changes[index] = difference(value, own);
    if (last !== undefined) lasts.set(changeKey, difference(value, last));
    site.values[index] = value;
    lasts.set(lastKey, value);
    lasts.set(key, value);
    return value;
  }
}

function sumOf(value: Word | undefined, change: Word | undefined): Word | undefined {
  return value === undefined || change === undefined ? undefined : sum(value, change);
}
