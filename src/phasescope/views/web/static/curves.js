// @ts-check
// The run's history: its panels of curves, of the split and at the site that are chosen.

import {Chart, hasData, sharedAxis} from "./charts.js";
import {choice, h} from "./html.js";
import {expectedIn, timesOf, UNITS, unitsOf} from "./world.js";

const sitesOf = ({panels}) => [
  ...new Map(panels.filter(({site}) => site).map(({site, note}) => [site, note]))
];

// what of the state the address holds
export const curvesQuery = ({unit, split, site}, {splits}) => ({
  unit: unit === "images_seen" ? null : unit,
  images: split === splits[0] ? null : split,
  scores: site
});

// {unit, split, site} of an address
export function curvesFrom(query, details) {
  const units = unitsOf([details]).map(([unit]) => unit);
  const sites = sitesOf(details).map(([site]) => site);
  const asked = (key, offered, usual) => (offered.includes(query.get(key)) ? query.get(key) : usual);
  const usual = sites.includes(details.read_at) ? details.read_at : (sites[0] ?? null);
  return {
    unit: asked("unit", units, "images_seen"),
    split: asked("images", details.splits, details.splits[0]),
    site: asked("scores", sites, usual)
  };
}

export function curveChoices(details, {unit, split, site}, set) {
  const sites = sitesOf(details);
  return h(
    "div.controls",
    choice("against", unitsOf([details]), unit, value => set("unit", value)),
    details.outcomes.length > 0 &&
      choice("images", Object.entries(details.names.splits), split, value => set("split", value)),
    sites.length > 0 && choice("scores at", sites, site, value => set("site", value))
  );
}

// line: that of the snapshot at which the slider stands; pick(time): called with what is pointed at;
// update(): draws the page again
export function curves(details, {unit, split, site}, line, {pick, update}) {
  const {name} = details.row;
  const axis = sharedAxis(`run ${name}`, UNITS[unit], update);
  const isShown = panel => (!panel.split || panel.split === split) && (!panel.site || panel.site === site);
  const chart = panel => {
    const key = `${panel.key} ${panel.split} ${panel.site}`;
    const x = timesOf(details, panel, unit);
    const expected = expectedIn(details, panel, unit);
    return h(Chart, {key, panel, x, axis, name, expected, cursor: line?.[unit], pick});
  };
  return details.panels.filter(panel => isShown(panel) && hasData(panel)).map(chart);
}
