/** The tables of the skeleton: a row that is clicked highlights its events. */

export class SummaryTable {
  readonly #rows: readonly HTMLTableRowElement[];

  /** @param onChoose is told the category of a row */
  constructor(root: ParentNode, onChoose: (category: number) => void) {
    this.#rows = Array.from(root.querySelectorAll<HTMLTableRowElement>('tr[data-category]'));
    for (const row of this.#rows) {
      const choose = (): void => onChoose(Number(row.dataset.category));
      row.addEventListener('click', choose);
      row.addEventListener('keydown', (event) => {
        if (event.key !== 'Enter' && event.key !== ' ') return;
        event.preventDefault();
        choose();
      });
    }
  }

  show(category: number | undefined): void {
    for (const row of this.#rows) {
      const chosen = category !== undefined && Number(row.dataset.category) === category;
      row.classList.toggle('chosen', chosen);
      if (chosen) row.setAttribute('aria-current', 'true');
      else row.removeAttribute('aria-current');
    }
  }
}
