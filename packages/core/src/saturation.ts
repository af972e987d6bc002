import { cellOf, parameterLayout } from './language-model.js';
import type { MeasuredBatch, MeasuredModel } from './measurement.js';
import { evaluationInputs } from './microshard-inputs.js';
import { NO_TOKEN, type Microshard } from './microshard.js';
import type { Activation } from './model-config.js';
import { activationProgram } from './programs.js';
import type { HostMatrix } from './shape.js';

/** How often one nonlinearity of one layer is at an end of its range, where its slope is near zero and errors do not pass. Shares are in [0, 1]. */
export interface Saturation {
  /** From the bottom, 0 first. */
  readonly layer: number;
  /** Its letter in the equations of the cell: `s` of a vanilla cell; `i f g o` and `tanh c` of an LSTM; `r z n` of a GRU. */
  readonly name: string;
  readonly f: Activation;
  /** Share of its values, over all units and positions, at the upper end: above 0.95. Always 0 for relu, which has none. */
  readonly high: number;
  /** Share at the lower end: below -0.95 for tanh, below 0.05 for sigmoid, 0 for relu. */
  readonly low: number;
  /** Share of its units that are at the lower end at every position: dead relus, gates that never open. */
  readonly dead: number;
}

const UPPER_END: Readonly<Record<Activation, number>> = { tanh: 0.95, sigmoid: 0.95, relu: Infinity };
const LOWER_END: Readonly<Record<Activation, number>> = { tanh: -0.95, sigmoid: 0.05, relu: Number.MIN_VALUE };

/** Saturation of every nonlinearity of every layer, over all positions of `batches` at which something is read. */
export async function measureSaturation({ backend, model, parameters }: MeasuredModel, batches: readonly MeasuredBatch[]): Promise<Saturation[]> {
  backend.setParameters(parameterLayout(model), parameters);
  const { nonlinearities } = cellOf(model);
  const tallies = model.hidden.flatMap((units, layer) => nonlinearities.map(({ name, f }, i): Tally => (
    { layer, name, f, output: `activation.${String(layer)}.${String(i)}`, values: 0, high: 0, low: 0, alive: new Uint8Array(units) })));
  for (const { microshard, initialStates } of batches) {
    const outputs = await backend.run(activationProgram(model, microshard), evaluationInputs(model, microshard, initialStates));
    for (const tally of tallies) count(tally, outputs[tally.output], microshard);
  }
  return tallies.map(({ layer, name, f, values, high, low, alive }) => (
    { layer, name, f, high: high / values, low: low / values, dead: alive.filter((lives) => lives === 0).length / alive.length }));
}

interface Tally extends Pick<Saturation, 'layer' | 'name' | 'f'> {
  readonly output: string;
  values: number;
  high: number;
  low: number;
  /** 1 for every unit that has been seen away from the lower end. */
  readonly alive: Uint8Array;
}

function count(tally: Tally, { columns, values }: HostMatrix, { inputs }: Microshard): void {
  const [upper, lower] = [UPPER_END[tally.f], LOWER_END[tally.f]];
  inputs.forEach((input, row) => {
    if (input === NO_TOKEN) return;
    tally.values += columns;
    for (let unit = 0; unit < columns; unit += 1) {
      const value = values[row * columns + unit];
      if (value > upper) tally.high += 1;
      if (value < lower) tally.low += 1;
      else tally.alive[unit] = 1;
    }
  });
}
