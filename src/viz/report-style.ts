/**
 * Style of the report. Colours are custom properties, one set for light and one for dark; the canvas reads the same properties.
 * The hues are told apart by people with any common colour vision deficiency, and meaning never rests on hue alone: lanes have
 * labels, broken rings a cross, doorbells and interrupts a shape.
 */

export const REPORT_STYLE = `
:root {
  --page: #ffffff; --panel: #f6f7f9; --line: #d8dce2; --grid: #e9ebef; --text: #1a1d21; --soft: #59616c; --accent: #0b57d0;
  --guest: #8ec9ee; --hypervisor: #d55e00; --entry: #f0a83c; --handling: #d55e00; --return: #f3d27a;
  --idle: #e4e7eb; --waiting: #c3c9d2; --stopped: #f3f4f6;
  --hypercall: #b5558c; --mmio: #c46210; --exit: #8a6d1d; --inject: #b07a00; --interrupt: #0072b2;
  --flight: #00896a; --queued: #d9b400; --signal: #0072b2; --input: #3b3f45; --broken: #c1121f; --avoided: #6a3fb5; --ghost: #6a3fb5; --select: #111418;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #14171b; --panel: #1b1f25; --line: #363c46; --grid: #252a31; --text: #e7eaee; --soft: #a3acb8; --accent: #8ab4f8;
    --guest: #2f77a8; --hypervisor: #f07c28; --entry: #d9932c; --handling: #f07c28; --return: #f3d27a;
    --idle: #2c323a; --waiting: #4a525e; --stopped: #1a1d22;
    --hypercall: #dd8fbb; --mmio: #f09a4a; --exit: #d9bd5c; --inject: #e8b33a; --interrupt: #5aaee6;
    --flight: #2fbf98; --queued: #e6cf4a; --signal: #5aaee6; --input: #d5dae1; --broken: #ff6b6b; --avoided: #b79cf2; --ghost: #b79cf2; --select: #ffffff;
  }
}
* { box-sizing: border-box; }
[hidden] { display: none !important; }
html, body { height: 100%; margin: 0; }
body { display: flex; flex-direction: column; background: var(--page); color: var(--text);
  font: 13px/1.4 system-ui, -apple-system, "Segoe UI", Roboto, "Liberation Sans", sans-serif; font-variant-numeric: tabular-nums; }
h1, h2, p, dl, dd, ul { margin: 0; padding: 0; }
header { display: flex; flex-wrap: wrap; gap: 8px 28px; align-items: center; padding: 8px 14px; background: var(--panel);
  border-bottom: 1px solid var(--line); }
.heading h1 { font-size: 16px; line-height: 1.25; } .heading p { color: var(--soft); font-size: 12px; }
.facts { display: flex; flex-wrap: wrap; gap: 4px 20px; flex: 1; }
.facts dt { color: var(--soft); font-size: 11px; } .facts dd { font-weight: 600; }
.shares { width: 330px; } .shares p { display: flex; justify-content: space-between; white-space: nowrap; font-size: 12px; margin-top: 3px; }
.bar { display: flex; height: 12px; border-radius: 3px; overflow: hidden; } .bar i { flex-basis: 0; }
.key { display: inline-block; width: 11px; height: 11px; border-radius: 2px; margin-right: 5px; vertical-align: -1px; }
.fill-guest { background: var(--guest); } .fill-hypervisor { background: var(--hypervisor); } .fill-idle { background: var(--idle); box-shadow: inset 0 0 0 1px var(--line); }
.fill-entry { background: var(--entry); } .fill-handling { background: var(--handling); } .fill-return { background: var(--return); }
.fill-waiting { background: var(--waiting); } .fill-hypercall { background: var(--hypercall); } .fill-mmio { background: var(--mmio); }
.fill-inject { background: var(--inject); } .fill-interrupt { background: var(--interrupt); } .fill-flight { background: var(--flight); }
.fill-queued { background: var(--queued); } .fill-signal { background: var(--signal); clip-path: polygon(50% 0, 100% 100%, 0 100%); }
.fill-input { background: var(--input); } .fill-broken { background: var(--broken); clip-path: polygon(20% 0, 50% 30%, 80% 0, 100% 20%, 70% 50%, 100% 80%, 80% 100%, 50% 70%, 20% 100%, 0 80%, 30% 50%, 0 20%); }
.fill-avoided { background: none; border: 2px solid var(--avoided); width: 8px; height: 8px; transform: rotate(45deg); border-radius: 0; margin-left: 2px; } .fill-ghost { background: var(--ghost); opacity: 0.35; }
.choice { font-size: 12px; color: var(--soft); } .choice select { font: inherit; color: var(--text); background: var(--page); border: 1px solid var(--line); border-radius: 4px; }
.banner { padding: 6px 14px; background: var(--broken); color: #fff; }
@media (prefers-color-scheme: dark) { .banner { color: #14171b; } }
#app { flex: 1 1 60%; min-height: 260px; display: flex; flex-direction: column; }
.toolbar { display: flex; gap: 12px; align-items: center; padding: 4px 14px; }
.legend { display: flex; flex-wrap: wrap; gap: 1px 12px; flex: 1; list-style: none; font-size: 12px; color: var(--soft); }
button { font: inherit; color: var(--text); background: var(--page); border: 1px solid var(--line); border-radius: 4px;
  padding: 1px 9px; cursor: pointer; }
button:hover { border-color: var(--accent); } :focus-visible { outline: 2px solid var(--accent); outline-offset: -2px; }
.buttons { display: flex; gap: 4px; }
.row { display: flex; } .side { width: 258px; flex: none; padding: 2px 8px 2px 14px; color: var(--soft); font-size: 12px; overflow: hidden; white-space: nowrap; }
#axis-base { text-align: right; color: var(--text); }
#overview { width: var(--plot-width, 100%); height: 34px; border: 1px solid var(--line); cursor: grab; touch-action: none; }
#axis { width: var(--plot-width, 100%); height: 26px; overflow: hidden; color: var(--text); } #axis .domain { stroke: var(--line); } #axis line { stroke: var(--soft); }
#axis text { font: 12px system-ui, sans-serif; fill: var(--text); }
#lanes { flex: 1; min-height: 0; overflow-x: hidden; overflow-y: scroll; display: flex; border-top: 1px solid var(--line); }
#labels { width: 258px; flex: none; }
.lane { position: relative; display: flex; align-items: center; gap: 4px; padding: 0 8px 0 6px; border-bottom: 1px solid var(--grid); overflow: hidden; cursor: pointer; }
.lane.child { padding-left: 26px; color: var(--soft); } .lane.chosen { background: var(--panel); box-shadow: inset 3px 0 0 var(--accent); color: var(--text); }
.lane .name { flex: 1; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; } .lane .name small { color: var(--soft); margin-left: 6px; } .lane .count { color: var(--soft); font-size: 11px; }
.lane button { border: 0; background: none; padding: 0; width: 18px; color: var(--soft); }
.lane .blank { width: 18px; flex: none; }
#plot { flex: 1; min-width: 0; position: relative; }
#timeline { position: sticky; top: 0; display: block; cursor: crosshair; touch-action: none; }
#dock { flex: 1 1 34%; min-height: 170px; max-height: 40%; display: flex; border-top: 2px solid var(--line); }
.tables { flex: 1.5; overflow: auto; padding: 0 14px 10px; } #details { flex: 1; overflow: auto; padding: 8px 14px; border-left: 1px solid var(--line); background: var(--panel); }
table { border-collapse: collapse; width: 100%; margin-bottom: 14px; } caption { text-align: left; font-weight: 600; padding: 7px 0 3px; }
caption small { color: var(--soft); font-weight: 400; margin-left: 8px; }
thead th { position: sticky; top: 0; background: var(--page); color: var(--soft); font-weight: 400; font-size: 12px; border-bottom: 1px solid var(--line); }
td, th { text-align: right; padding: 1px 8px; white-space: nowrap; } th:first-child, th:nth-child(2), td:nth-child(2) { text-align: left; } td:nth-child(2) { color: var(--soft); }
tbody th { font-weight: 500; } tbody tr[data-category] { cursor: pointer; } tbody tr[data-category]:hover { background: var(--panel); }
tr.chosen { background: var(--panel); box-shadow: inset 3px 0 0 var(--accent); } tfoot td, tfoot th { border-top: 1px solid var(--line); font-weight: 600; }
.meter { display: inline-block; height: 8px; max-width: 60px; margin-right: 6px; background: var(--hypervisor); border-radius: 1px; }
#rings td:nth-child(2) { text-align: right; color: inherit; } #rings th:nth-child(2) { text-align: right; }
#others { width: auto; min-width: 55%; } #others td:nth-child(3), #others th:nth-child(3) { text-align: left; }
#exits td:nth-child(5) { width: 130px; }
#details h2 { font-size: 14px; } #details p { color: var(--soft); } #details .facts { display: block; margin-top: 6px; }
#details .columns { display: flex; flex-wrap: wrap; gap: 4px 28px; }
#details dl { margin-top: 6px; display: grid; grid-template-columns: max-content auto; gap: 0 12px; align-content: start; } #details dl div { display: contents; } #details dt { color: var(--soft); } #details dd { overflow-wrap: anywhere; }
#details .steps { margin-top: 8px; } #details .steps button { margin: 0 6px 4px 0; }
#details h3 { font-size: 12px; margin: 8px 0 2px; } #details .flow { list-style: none; display: flex; flex-wrap: wrap; gap: 4px; align-items: center; }
#details .flow span { color: var(--soft); font-size: 12px; }
#tooltip { position: fixed; z-index: 5; max-width: 460px; padding: 5px 9px; background: var(--text); color: var(--page); border-radius: 4px;
  font-size: 12px; pointer-events: none; box-shadow: 0 2px 8px rgb(0 0 0 / 30%); } #tooltip p:first-child { font-weight: 600; }
dialog { color: var(--text); background: var(--page); border: 1px solid var(--line); border-radius: 6px; max-width: 520px; }
dialog dl div { display: flex; gap: 14px; } dialog dt { min-width: 220px; font-weight: 600; } dialog p { margin: 10px 0; color: var(--soft); }
@media (max-width: 760px) { #dock { flex-direction: column; max-height: none; } .side, #labels { width: 130px; } }
`;
