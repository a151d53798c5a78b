#include "tasks/report/report_style.h"

namespace gradus {

// Without the characters that XML reads as markup. Colours that code for something differ in lightness or
// come with another sign, so that they can be told apart on paper and by the colour-blind.
constinit const std::string_view report_style = R"(
:root {
  --page: #fdfdfb; --panel: #f5f5f1; --text: #1c1e21; --muted: #595f67; --rule: #dddcd5; --link: #1f5fa8;
  --right: 38 140 94; --wrong: 205 82 44; --depth: 0.72; --note: #fbf1d9; --note-edge: #b7791f;
  --s0: #1f5fa8; --s1: #b3541e; --s2: #1b7f5c; --s3: #8a3f94; --s4: #7a6a00; --s5: #a3263c;
}
@media screen and (prefers-color-scheme: dark) {
  :root {
    --page: #15171a; --panel: #1e2125; --text: #e8e7e3; --muted: #a5abb3; --rule: #363a40; --link: #82b4ea;
    --right: 46 150 104; --wrong: 205 88 52; --depth: 0.62; --note: #34290f; --note-edge: #d9a441;
    --s0: #7fb2ea; --s1: #ee9a66; --s2: #62c8a0; --s3: #cf9ad8; --s4: #d2bf4f; --s5: #f08a9b;
  }
}
* { box-sizing: border-box; }
html { color-scheme: light dark; -webkit-text-size-adjust: 100%; }
body {
  margin: 0; background: var(--page); color: var(--text);
  font: 1rem/1.55 system-ui, -apple-system, "Segoe UI", "Helvetica Neue", Arial, "Noto Sans", sans-serif;
}
main {
  max-width: 60rem; margin: 0 auto; padding: 2.5rem clamp(1rem, 4vw, 2.5rem) 3rem; overflow-wrap: anywhere;
}
h1 { margin: 0; font-size: 2rem; line-height: 1.2; letter-spacing: -0.015em; }
h2 { margin: 0 0 0.2rem; font-size: 1.25rem; line-height: 1.3; }
h3 { margin: 1.4rem 0 0.3rem; font-size: 1rem; }
section { margin-top: 2.75rem; }
.subtitle { margin: 0.4rem 0 0; color: var(--muted); }
.about-run {
  display: grid; grid-template-columns: max-content 1fr; gap: 0.15rem 1.2rem; margin: 1.1rem 0 0;
}
.about-run dt { color: var(--muted); }
.about-run dd { margin: 0; unicode-bidi: isolate; }
.explanation { margin: 0 0 1rem; max-width: 44rem; color: var(--muted); }
.small { font-size: 0.875rem; color: var(--muted); margin: 0.5rem 0 0; }
.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }

.notes { margin: 1.5rem 0 0; padding: 0; list-style: none; }
.notes li {
  margin-top: 0.5rem; padding: 0.6rem 0.9rem; background: var(--note);
  border-left: 4px solid var(--note-edge);
 
}

.tiles {
  display: grid; grid-template-columns: repeat(auto-fill, minmax(11rem, 1fr)); gap: 0.75rem;
  margin: 1.75rem 0 0; padding: 0;
  list-style: none;
}
.tiles li {
  padding: 0.9rem 1rem 0.85rem; background: var(--panel); border-radius: 0.5rem; break-inside: avoid;
}
.tiles .name { display: block; color: var(--muted); font-size: 0.875rem; }
.tiles .value {
  display: block; font-size: 1.9rem; line-height: 1.25; font-weight: 600; font-variant-numeric: tabular-nums;
}
.tiles .unit { font-size: 1.1rem; font-weight: 400; color: var(--muted); margin-left: 0.15em; }
.tiles .meaning {
  display: block; margin-top: 0.25rem; font-size: 0.8125rem; line-height: 1.4; color: var(--muted);
}
.tiles li:first-child { box-shadow: inset 0 0 0 2px var(--s0); }

.facts {
  display: grid; grid-template-columns: repeat(auto-fill, minmax(9rem, 1fr)); gap: 0.9rem 1.5rem; margin: 0;
}
.facts div { border-top: 1px solid var(--rule); padding-top: 0.35rem; break-inside: avoid; }
.facts dt { color: var(--muted); font-size: 0.875rem; }
.facts dd { margin: 0; font-variant-numeric: tabular-nums; unicode-bidi: isolate; }

.chart {
  display: grid; grid-template: "y plot" 15rem ". x" 1.5rem ". name" auto / 3.2rem 1fr; column-gap: 0.5rem;
  margin-right: 1rem; padding-top: 0.6rem; font-size: 0.8125rem; color: var(--muted);
  font-variant-numeric: tabular-nums;
  break-inside: avoid;
}
.chart.low { grid-template-rows: 8rem 1.5rem auto; }
.plot { grid-area: plot; position: relative; }
.plot svg { display: block; width: 100%; height: 100%; overflow: visible; }
.plot path { fill: none; vector-effect: non-scaling-stroke; stroke-linejoin: round; stroke-linecap: round; }
.plot .grid { stroke: var(--rule); stroke-width: 1; }
.plot .marked { stroke: var(--muted); stroke-width: 1.5; stroke-dasharray: 5 4; }
.series { stroke: currentColor; }
.plot .line { stroke-width: 2; }
.plot .dot { stroke-width: 7; }
.plot .faint .line { stroke-width: 1; opacity: 0.45; }
.plot .broken .line { stroke-dasharray: 6 5; }
.y-labels, .x-labels { position: relative; white-space: nowrap; }
.y-labels { grid-area: y; }
.x-labels { grid-area: x; }
.y-labels span { position: absolute; right: 0; transform: translateY(-50%); }
.x-labels span { position: absolute; top: 0.3rem; transform: translateX(-50%); }
.x-name { grid-area: name; text-align: right; }
.mark-label {
  position: absolute; bottom: 0.3rem; margin-left: 0.4rem; padding: 0 0.25rem; background: var(--page);
  color: var(--text);
  white-space: nowrap;
}
.mark-label.before { transform: translateX(-100%); margin-left: -0.4rem; }
.s0 { color: var(--s0); } .s1 { color: var(--s1); } .s2 { color: var(--s2); }
.s3 { color: var(--s3); } .s4 { color: var(--s4); } .s5 { color: var(--s5); }
.legend {
  display: flex; flex-wrap: wrap; gap: 0.2rem 1.5rem; margin: 0 0 0.7rem; padding: 0; list-style: none;
}
.legend li { font-size: 0.875rem; }
.legend li::before {
  content: ""; display: inline-block; width: 1.4em; height: 0; margin-right: 0.5em; vertical-align: middle;
  border-top: 3px solid currentColor;
}
.legend .broken::before { border-top-style: dashed; }
.legend .faint::before { border-top-width: 1px; opacity: 0.6; }

.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-size: 0.9375rem; }
th, td { padding: 0.3rem 0.9rem 0.3rem 0; text-align: left; vertical-align: top; unicode-bidi: isolate; }
.scroll th, .scroll td { overflow-wrap: normal; }
th:last-child, td:last-child { padding-right: 0; }
thead th { border-bottom: 1.5px solid var(--muted); font-weight: 600; vertical-align: bottom; }
tbody td, tbody th { border-bottom: 1px solid var(--rule); font-weight: 400; }
td.number, th.number { text-align: right; padding-left: 0.6rem; }
tr { break-inside: avoid; }

.confusion { border-collapse: separate; border-spacing: 2px; font-size: 0.875rem; }
.confusion th, .confusion td { border: 0; padding: 0.3rem 0.5rem; }
.confusion thead th { vertical-align: bottom; text-align: center; }
.confusion tbody th { text-align: right; white-space: nowrap; vertical-align: middle; font-weight: 400; }
.confusion td {
  min-width: 2.6rem; text-align: center; vertical-align: middle; font-variant-numeric: tabular-nums;
  background: var(--panel);
}
.confusion th[scope=row] { position: sticky; left: 0; background: var(--page); }
.confusion .axis { color: var(--muted); font-weight: 400; font-style: italic; white-space: nowrap; }
.confusion .zero { color: var(--muted); }
.confusion .right { background: rgb(var(--right) / calc(var(--depth) * var(--p))); }
.confusion .wrong { background: rgb(var(--wrong) / calc(var(--depth) * var(--p))); }
.confusion.close th, .confusion.close td { padding: 0.15rem 0.3rem; }
.confusion.close td { min-width: 2rem; }
.confusion.turned thead th span {
  writing-mode: vertical-rl; text-orientation: sideways; white-space: nowrap;
}
.confusion.dense { border-spacing: 1px; font-size: 0.75rem; line-height: 1.1; }
.confusion.dense th { padding: 0 0.2rem; }
.confusion.dense thead th { padding: 0.2rem 0; font-weight: 400; }
.confusion.dense td { min-width: 0.9rem; height: 0.9rem; padding: 0; }
.confusion, mark, .swatch { -webkit-print-color-adjust: exact; print-color-adjust: exact; }

.errors { margin: 0; padding: 0; list-style: none; }
.errors li { padding: 0.9rem 0 1rem; border-top: 1px solid var(--rule); break-inside: avoid; }
.errors .about { margin: 0; display: flex; flex-wrap: wrap; gap: 0.1rem 1.2rem; }
.errors .about b { font-weight: 600; }
.errors .about span { color: var(--muted); font-size: 0.875rem; line-height: 1.7; }
.errors .about strong { color: var(--text); font-weight: 600; unicode-bidi: isolate; }
.errors .text {
  margin: 0.35rem 0 0; max-width: 48rem; line-height: 1.85; white-space: pre-wrap;
}
mark {
  color: inherit; background: rgb(var(--right) / 0.2); border-bottom: 3px solid rgb(var(--right));
  padding: 0.1em 0.2em;
  border-radius: 0.15em; unicode-bidi: isolate; -webkit-box-decoration-break: clone;
  box-decoration-break: clone;
}
mark.missed { background: none; border: 1.5px dashed rgb(var(--wrong)); }
mark.invented { background: rgb(var(--wrong) / 0.22); border-bottom: 3px double rgb(var(--wrong)); }
mark.mistaken { background: rgb(var(--wrong) / 0.1); border-bottom: 3px dotted rgb(var(--wrong)); }
mark small {
  margin-left: 0.45em; font-size: 0.72em; font-weight: 600; letter-spacing: 0.02em; white-space: nowrap;
}
.key {
  display: flex; flex-wrap: wrap; gap: 0.5rem 1.4rem; margin: 0 0 1.2rem; padding: 0; list-style: none;
  font-size: 0.875rem;
}

details summary { cursor: pointer; color: var(--link); }
details table { margin-top: 0.8rem; }
.scroll .settings td { overflow-wrap: anywhere; }
.settings .default td { color: var(--muted); }
footer { margin-top: 3.5rem; padding-top: 0.8rem; border-top: 1px solid var(--rule); }

@media (max-width: 34rem) {
  main { padding-top: 1.5rem; }
  h1 { font-size: 1.55rem; }
  .tiles { grid-template-columns: repeat(auto-fill, minmax(8.5rem, 1fr)); }
  .tiles .value { font-size: 1.5rem; }
  .chart { grid-template-columns: 2.6rem 1fr; grid-template-rows: 12rem 1.5rem auto; margin-right: 0.7rem; }
  th, td { padding-right: 0.6rem; }
}
@media print {
  :root { --page: #fff; }
  html { font-size: 10pt; }
  main { max-width: none; padding: 0; }
  h2, h3, .explanation, .legend { break-after: avoid; }
  .explanation, .confusion, section:has(.chart) { break-inside: avoid; }
  details summary { display: none; }
  details::details-content { content-visibility: visible; display: block; }
}
)";

}  // namespace gradus
