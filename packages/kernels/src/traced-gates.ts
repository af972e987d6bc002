import type { Operations } from '@bptt/core';
import { gruGates, gruGatesBackward, gruPreviousError, gruRecurrentBackward, gruState } from './kernels/gru-gates.kernel.js';
import { lstmCell, lstmCellError, lstmGates, lstmGatesBackward, lstmPreviousCellError, lstmState } from './kernels/lstm-gates.kernel.js';
import { traced, tracedAs, type Tracer } from './tracer.js';

/** The gates of LSTM and GRU: one step of the plan for each result, since a kernel has one. */
export function gateOperations(tracer: Tracer): Pick<Operations, 'lstmGates' | 'lstmGatesBackward' | 'gruGates' | 'gruGatesBackward'> {
  return {
    lstmGates(preActivations, previousCell) {
      const { rows, columns: hidden } = previousCell;
      const constants = { hidden };
      const wide = { rows, columns: 4 * hidden };
      const gates = tracer.step(lstmGates, wide, { constants, operands: tracedAs('lstmGates', wide, preActivations) });
      const cell = tracer.step(lstmCell, previousCell, { constants, operands: [gates, traced(previousCell)] });
      const state = tracer.step(lstmState, previousCell, { constants, operands: [gates, cell] });
      return { state, cell, gates };
    },
    lstmGatesBackward(cache, dState, dCell) {
      const { rows, columns: hidden } = cache.previousCell;
      const constants = { hidden };
      const wide = { rows, columns: 4 * hidden };
      const [gates] = tracedAs('lstmGatesBackward', wide, cache.gates);
      const [previousCell, cell, dH, dC] = tracedAs('lstmGatesBackward', cache.previousCell, cache.previousCell, cache.cell, dState, dCell);
      const cellError = tracer.step(lstmCellError, previousCell, { constants, operands: [gates, cell, dH, dC] });
      return {
        dPreActivations: tracer.step(lstmGatesBackward, wide, { constants, operands: [gates, previousCell, cell, dH, cellError] }),
        dPreviousCell: tracer.step(lstmPreviousCellError, previousCell, { constants, operands: [gates, cellError] }),
      };
    },
    gruGates(projected, recurrent, previous) {
      const { rows, columns: hidden } = previous;
      const constants = { hidden };
      const wide = { rows, columns: 3 * hidden };
      const gates = tracer.step(gruGates, wide, { constants, operands: tracedAs('gruGates', wide, projected, recurrent) });
      return { state: tracer.step(gruState, previous, { constants, operands: [gates, traced(previous)] }), gates };
    },
    gruGatesBackward(cache, dState) {
      const { rows, columns: hidden } = cache.previous;
      const constants = { hidden };
      const wide = { rows, columns: 3 * hidden };
      const [gates, recurrent] = tracedAs('gruGatesBackward', wide, cache.gates, cache.recurrent);
      const [previous, d] = tracedAs('gruGatesBackward', cache.previous, cache.previous, dState);
      const dProjected = tracer.step(gruGatesBackward, wide, { constants, operands: [gates, recurrent, previous, d] });
      return {
        dProjected,
        dRecurrent: tracer.step(gruRecurrentBackward, wide, { constants, operands: [gates, dProjected] }),
        dPrevious: tracer.step(gruPreviousError, previous, { constants, operands: [gates, d] }),
      };
    },
  };
}
