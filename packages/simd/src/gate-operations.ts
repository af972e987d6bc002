import type { Matrix, Operations } from '@bptt/core';
import type { SimdMatrix } from './handles.js';
import type { Operands } from './operands.js';

/** The gates of LSTM and GRU; the equations are in `assembly/lstm.ts` and `assembly/gru.ts`. */
export function gateOperations(operands: Operands): Pick<Operations, 'lstmGates' | 'lstmGatesBackward' | 'gruGates' | 'gruGatesBackward'> {
  const { kernels } = operands;
  /** `tanh c_t` by `c_t`: the way back needs it again. */
  const squashedCells = new WeakMap<Matrix, SimdMatrix>();
  const squash = (cell: SimdMatrix): SimdMatrix => {
    const squashed = operands.allocate(cell.rows, cell.columns);
    kernels.tanh(cell.address, squashed.address, cell.count);
    return squashed;
  };
  return {
    lstmGates(preActivations, previousCell) {
      const { rows: N, columns: H } = previousCell;
      const [a] = operands.matrices('lstmGates', { rows: N, columns: 4 * H }, preActivations);
      const previous = operands.matrix('lstmGates', previousCell);
      const [state, cell, squashed, gates] = [operands.allocate(N, H), operands.allocate(N, H), operands.allocate(N, H), operands.allocate(N, 4 * H)];
      kernels.lstmGates(a.address, previous.address, N, H, state.address, cell.address, squashed.address, gates.address);
      squashedCells.set(cell, squashed);
      return { state, cell, gates };
    },
    lstmGatesBackward(cache, dState, dCell) {
      const { rows: N, columns: H } = cache.previousCell;
      const [gates] = operands.matrices('lstmGatesBackward', { rows: N, columns: 4 * H }, cache.gates);
      const [previous, cell, dH, dC] = operands.matrices('lstmGatesBackward', cache.previousCell, cache.previousCell, cache.cell, dState, dCell);
      const [dPreActivations, dPreviousCell] = [operands.allocate(N, 4 * H), operands.allocate(N, H)];
      const squashed = squashedCells.get(cell) ?? squash(cell);
      kernels.lstmGatesBackward(gates.address, previous.address, squashed.address, dH.address, dC.address, N, H, dPreActivations.address, dPreviousCell.address);
      return { dPreActivations, dPreviousCell };
    },
    gruGates(projected, recurrent, previous) {
      const { rows: N, columns: H } = previous;
      const [a, b] = operands.matrices('gruGates', { rows: N, columns: 3 * H }, projected, recurrent);
      const h = operands.matrix('gruGates', previous);
      const [state, gates] = [operands.allocate(N, H), operands.allocate(N, 3 * H)];
      kernels.gruGates(a.address, b.address, h.address, N, H, state.address, gates.address);
      return { state, gates };
    },
    gruGatesBackward(cache, dState) {
      const { rows: N, columns: H } = cache.previous;
      const [gates, b] = operands.matrices('gruGatesBackward', { rows: N, columns: 3 * H }, cache.gates, cache.recurrent);
      const [h, d] = operands.matrices('gruGatesBackward', cache.previous, cache.previous, dState);
      const [dProjected, dRecurrent, dPrevious] = [operands.allocate(N, 3 * H), operands.allocate(N, 3 * H), operands.allocate(N, H)];
      kernels.gruGatesBackward(gates.address, b.address, h.address, d.address, N, H, dProjected.address, dRecurrent.address, dPrevious.address);
      return { dProjected, dRecurrent, dPrevious };
    },
  };
}
