import type { Distribution, FlowSeries, JacobianBound, JacobianSeries } from '@bptt/core';
import type { Measurement } from '@bptt/trainer';
import { formatCount } from './progress.js';
import { textTable } from './text-table.js';

/** Lags that people are shown, with the last. `--json` has them all. */
const LAGS_SHOWN: readonly number[] = [0, 1, 2, 3, 5, 10, 20, 30, 50, 100, 150, 200, 250];

/** A measurement for people. @param name of the text */
export function flowLines(measurement: Measurement, name: string): string[] {
  const { sentences, tokens, lags, flow } = measurement;
  return [
    `measured on ${name}: ${formatCount(sentences)} sentences that reach back ${String(lags)} steps or more, ${formatCount(tokens)} tokens`,
    '',
    'What of the error of an output reaches the states before it: ||dE_t/ds_{t-lag}||, nats per unit of state',
    ...flow.flatMap((series) => seriesLines(series, lags)),
    ...jacobianSection(measurement),
    '',
    'Recurrent matrices: largest singular value and largest absolute eigenvalue',
    ...indented([['', '||W_hh||_2', 'radius'], ...measurement.spectra.map(({ layer, gate, norm, radius }) => [`layer ${String(layer)} ${gate}`, digits(norm), digits(radius)])]),
    '',
    'Saturation: share of the values at an end of their range, of the units always at the lower end',
    ...indented([['', 'upper end', 'lower end', 'dead'], ...measurement.saturation.map(({ layer, name: of, f, high, low, dead }) => (
      [`layer ${String(layer)} ${of} (${f})`, f === 'relu' ? '-' : percent(high), percent(low), percent(dead)]))]),
    '',
    'What a truncation leaves of the full gradient',
    ...indented([['', 'cosine', 'norm ratio'], ...measurement.truncations.map(({ truncation, cosine, normRatio }) => [truncation, cosine.toFixed(4), normRatio.toFixed(4)])]),
  ];
}

function seriesLines({ layer, part, lags, eFold, decay }: FlowSeries, lagMax: number): string[] {
  const shown = [...LAGS_SHOWN.filter((lag) => lag < lagMax), lagMax];
  return [
    `layer ${String(layer)}, ${part}: e-fold distance ${eFoldText(eFold, lagMax)} steps, decay ${digits(decay)} a step`,
    ...indented([['lag', 'outputs', 'mean', 'median', 'p10', 'p90'], ...shown.map((lag) => distributionRow(String(lag), lags[lag]))]),
  ];
}

function distributionRow(head: string, { count, mean, median, p10, p90 }: Distribution): string[] {
  return [head, formatCount(count), digits(mean), digits(median), digits(p10), digits(p90)];
}

/** How far it reaches, or that it reaches beyond what was measured. */
function eFoldText(eFold: number, lagMax: number): string {
  return eFold === Infinity ? `> ${String(lagMax)}` : digits(eFold);
}

function jacobianSection({ jacobians, bounds, jacobianSamples }: Measurement): string[] {
  if (jacobianSamples === 0) return [];
  return [
    '',
    `Jacobians of a layer's recurrence at ${formatCount(jacobianSamples)} moments: largest singular value`,
    ...jacobians.flatMap((series) => jacobianLines(series, bounds[series.layer])),
  ];
}

function jacobianLines({ layer, of, lags }: JacobianSeries, bound: JacobianBound): string[] {
  if (lags.length === 0) return [`layer ${String(layer)}, ${of}: none of these moments lies so far into its sentence`];
  const carry = of === 'h' ? 's' : '(h, c)';
  const rows = lags.map(({ lag, count, median, max, aboveOne }) => (
    [`d${carry}_t/d${carry}_{t-${String(lag)}}`, String(count), digits(median), digits(max), percent(aboveOne), 'perStep' in bound ? digits(bound.perStep ** lag) : '-']));
  return [
    `layer ${String(layer)}, ${of}: ${growthText(lags)}`,
    ...indented([['', 'moments', 'median', 'max', 'above 1', 'bound'], ...rows]),
    'perStep' in bound ? `  bound: (gamma ||W_hh||_2)^lag with gamma ||W_hh||_2 = ${digits(bound.perStep)}` : `  bound: none; ${bound.absent}`,
  ];
}

/** Whether what is often said of the Jacobian of a step, that its norm is at most 1, is true here. */
function growthText([first]: JacobianSeries['lags']): string {
  const over = first.lag === 1 ? 'one step' : `${String(first.lag)} steps`;
  return first.aboveOne === 0
    ? `over ${over} no norm is above 1: no error grows`
    : `over ${over} ${percent(first.aboveOne)} of the norms are above 1, up to ${digits(first.max)}: some errors grow`;
}

function indented(rows: readonly (readonly string[])[]): string[] {
  return textTable(rows, '  ');
}

/** Three significant digits. */
function digits(value: number): string {
  if (!Number.isFinite(value)) return Number.isNaN(value) ? 'none' : 'infinite';
  return value === 0 || (Math.abs(value) >= 1e-3 && Math.abs(value) < 1e5) ? String(Number(value.toPrecision(3))) : value.toExponential(2);
}

function percent(share: number): string {
  return `${(share * 100).toFixed(1)}%`;
}
