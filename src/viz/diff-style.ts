/** Style of the page that compares two traces: the colours of the report, light and dark; the sides are told apart by sign and hue. */
export const DIFF_STYLE = `
:root { --page: #ffffff; --panel: #f6f7f9; --line: #d8dce2; --grid: #e9ebef; --text: #1a1d21; --soft: #59616c;
  --guest: #8ec9ee; --hypervisor: #d55e00; --idle: #c3c9d2; --left: #a64300; --right: #005c96; --change: #6b4fa0; }
@media (prefers-color-scheme: dark) {
  :root { --page: #14171b; --panel: #1b1f25; --line: #363c46; --grid: #252a31; --text: #e7eaee; --soft: #a3acb8;
    --guest: #2f77a8; --hypervisor: #f07c28; --idle: #4a525e; --left: #f3a15f; --right: #7cc0f4; --change: #c9b3f5; }
}
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 1240px; padding: 18px 20px 40px; background: var(--page); color: var(--text);
  font: 14px/1.45 system-ui, -apple-system, "Segoe UI", Roboto, "Liberation Sans", sans-serif; font-variant-numeric: tabular-nums; }
h1 { font-size: 20px; margin: 0; overflow-wrap: anywhere; } h1 small { color: var(--soft); font-weight: 400; font-size: 15px; }
h2 { font-size: 16px; margin: 22px 0 6px; } h3 { font-size: 13px; margin: 10px 0 2px; overflow-wrap: anywhere; }
.facts, .note { color: var(--soft); margin: 2px 0 14px; overflow-wrap: anywhere; }
.sentences { margin: 0 0 16px; padding: 10px 14px 10px 30px; background: var(--panel); border: 1px solid var(--line); border-radius: 4px; }
.sentences li { overflow-wrap: anywhere; padding: 1px 0; }
.verdict { padding: 8px 14px; background: var(--panel); border: 1px solid var(--line); border-radius: 4px; font-weight: 600; }
.left { color: var(--left); } .right { color: var(--right); } .change { color: var(--change); }
svg text.left { fill: var(--left); } svg text.right { fill: var(--right); }
figure { margin: 0 0 20px; } figcaption { font-weight: 600; margin-bottom: 4px; }
svg { width: 100%; height: auto; display: block; } svg text { font-size: 13px; font-weight: 600; }
rect { stroke: var(--page); stroke-width: 0.5; } rect:hover { stroke: var(--text); stroke-width: 1.5; }
.part-guest { fill: var(--guest); background: var(--guest); } .part-hypervisor { fill: var(--hypervisor); background: var(--hypervisor); }
.part-idle { fill: var(--idle); background: var(--idle); }
.legend { display: flex; flex-wrap: wrap; gap: 2px 18px; list-style: none; margin: 6px 0 0; padding: 0; color: var(--soft); }
.key { display: inline-block; width: 12px; height: 12px; border-radius: 2px; margin-right: 6px; vertical-align: -1px; }
pre { margin: 0 0 8px; padding: 8px 10px; background: var(--panel); border: 1px solid var(--grid); border-radius: 4px; overflow-x: auto;
  font: 12px/1.5 ui-monospace, "DejaVu Sans Mono", "Liberation Mono", monospace; }
table { border-collapse: collapse; width: 100%; display: block; overflow-x: auto; }
th, td { padding: 2px 10px; text-align: right; white-space: nowrap; } th[scope=row], .text { text-align: left; }
td.text:last-child { white-space: normal; min-width: 220px; }
thead th { border-bottom: 1px solid var(--line); } thead th:nth-child(-n+2), thead th:last-child { text-align: left; }
tbody tr > * { border-top: 1px solid var(--grid); } tbody tr:hover { background: var(--panel); }
details { margin: 4px 0; } summary { cursor: pointer; color: var(--soft); }
:focus-visible { outline: 2px solid var(--right); outline-offset: 2px; }
`;
