// @ts-check
// Axes of charts: places in per cent of their length, so that a chart fits any width, and their ticks.

import {known} from "./html.js";

const MOST_POWERS = 5;

export function ticks(low, high, count = 5) {
  const span = high - low || 1;
  const power = 10 ** Math.floor(Math.log10(span / count));
  const step = [1, 2, 2.5, 5, 10].map(factor => factor * power).find(candidate => candidate >= span / count);
  const first = Math.ceil(low / step - 1e-9);
  const last = Math.floor(high / step + 1e-9);
  return Array.from({length: last - first + 1}, (_, i) => Number(((first + i) * step).toPrecision(12)));
}

// powers of ten, and their threefold where there is room; further multiples where there are none of these
export function logTicks(low, high) {
  const first = Math.ceil(Math.log10(low) - 1e-9);
  const last = Math.floor(Math.log10(high) + 1e-9);
  const every = Math.max(Math.ceil((last - first) / MOST_POWERS), 1);
  const powers = Array.from({length: Math.max(last - first, 0) + 2}, (_, i) => 10 ** (first - 1 + i));
  const shown = powers.filter((_, i) => every === 1 || i % every === 1);
  const ticks = factors =>
    shown
      .flatMap(power => factors.map(factor => factor * power))
      .filter(at => at >= low * 0.999 && at <= high * 1.001);
  const usual = ticks(last - first < MOST_POWERS ? [1, 3] : [1]);
  return usual.length > 1 ? usual : ticks([1, 2, 3, 5, 7]);
}

// An axis from `low` to `high`. place(value): in per cent, null of what has none; value(place): its inverse.
export function axisOf(low, high, {isLog, count = 4}) {
  const scaled = value => (isLog ? Math.log10(value) : value);
  const span = scaled(high) - scaled(low) || 1;
  const hasPlace = value => known(value) && (!isLog || value > 0);
  const place = value => (hasPlace(value) ? (100 * (scaled(value) - scaled(low))) / span : null);
  const value = place => {
    const at = scaled(low) + (place / 100) * span;
    return isLog ? 10 ** at : at;
  };
  return {low, high, place, value, ticks: isLog ? logTicks(low, high) : ticks(low, high, count)};
}

// the index of what lies nearest to `x`
export function nearest(xs, x) {
  const distances = xs.map(at => (known(at) ? Math.abs(at - x) : Infinity));
  return distances.indexOf(Math.min(...distances));
}

// Ends of the stretches that points stand for: half way between neighbours, closed at both ends, in 0 to 100.
export const edgesOf = places =>
  [places[0], ...places.slice(1).map((at, i) => (at + places[i]) / 2), places.at(-1)].map(at =>
    Math.min(Math.max(at, 0), 100)
  );

// indices of the points inside of a stretch, and of one beyond each of its ends, to which a line goes on
export function indicesWithin(xs, [low, high]) {
  const inside = xs.map((x, i) => (known(x) && x >= low && x <= high ? i : -1)).filter(i => i >= 0);
  const before = xs.findLastIndex(x => known(x) && x < low);
  const after = xs.findIndex(x => known(x) && x > high);
  return [before, ...inside, after].filter(i => i >= 0);
}

// Means of each point and its neighbours, `width` in all, weighted by a triangle; near an end over fewer,
// as many on both sides: a straight line stays itself, and nothing is shifted. On a logarithmic axis they are
// geometric means. What is missing stays missing, and counts in no mean.
export function smoothed(ys, width, isLog = false) {
  const [to, from] = isLog ? [Math.log, Math.exp] : [value => value, value => value];
  const isUsable = value => known(value) && (!isLog || value > 0);
  const most = Math.floor(width / 2);
  return ys.map((y, i) => {
    if (!isUsable(y)) return y;
    const reach = Math.min(most, i, ys.length - 1 - i);
    let [sum, weights] = [0, 0];
    for (let k = i - reach; k <= i + reach; k++) {
      if (!isUsable(ys[k])) continue;
      const weight = 1 - Math.abs(k - i) / (reach + 1);
      sum += weight * to(ys[k]);
      weights += weight;
    }
    return from(sum / weights);
  });
}
