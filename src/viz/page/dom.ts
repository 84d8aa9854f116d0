/** Small helpers for the page's elements. Text goes in as text nodes only: nothing of a trace is ever parsed as HTML. */
import { assert } from '../../assert.ts';

/** The element with an id, which the report's skeleton has. */
export function byId<T extends Element>(id: string, type: new () => T): T {
  const found = document.getElementById(id);
  assert(found instanceof type, `the page has an element ${id}`);
  return found;
}

/** A new element with text. */
export function make<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  text = '',
  className = '',
): HTMLElementTagNameMap[K] {
  const made = document.createElement(tag);
  if (text !== '') made.textContent = text;
  if (className !== '') made.className = className;
  return made;
}

export function button(text: string, title: string, onClick: () => void): HTMLButtonElement {
  const made = make('button', text);
  made.type = 'button';
  made.title = title;
  made.addEventListener('click', onClick);
  return made;
}

/** Makes a canvas `width` by `height` CSS pixels large at the screen's resolution; a context that draws in CSS pixels. */
export function sizeCanvas(canvas: HTMLCanvasElement, width: number, height: number): CanvasRenderingContext2D {
  const ratio = window.devicePixelRatio;
  const pixelWidth = Math.max(1, Math.round(width * ratio));
  const pixelHeight = Math.max(1, Math.round(height * ratio));
  if (canvas.width !== pixelWidth) canvas.width = pixelWidth;
  if (canvas.height !== pixelHeight) canvas.height = pixelHeight;
  const context = canvas.getContext('2d');
  assert(context !== null, 'a canvas has a 2d context');
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, width, height);
  return context;
}
