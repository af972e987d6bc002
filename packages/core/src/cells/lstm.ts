import { hiddenGradientOfState, partsOf, type Cell } from './cell.js';

/**
 * The LSTM with forget gate (Hochreiter and Schmidhuber 1997; Gers, Schmidhuber and Cummins 2000), gates in PyTorch's order i, f, g, o,
 * `docs/math/bptt.md` section 9:
 *
 *     [i f g o] = W_ih x_t + b_ih + W_hh h_{t-1} + b_hh      i, f, o <- sigmoid      g <- tanh
 *     c_t = f * c_{t-1} + i * g                               h_t = o * tanh(c_t)
 */
export const lstm: Cell = {
  carryParts: 2,
  gates: 4,
  gatesRecurrent: false,
  nonlinearities: [{ name: 'i', f: 'sigmoid' }, { name: 'f', f: 'sigmoid' }, { name: 'g', f: 'tanh' }, { name: 'o', f: 'sigmoid' }, { name: 'tanh c', f: 'tanh' }],
  forward(operations, { hidden }, projected, [previous, previousCell]) {
    const preActivations = operations.matMul(previous, hidden, { transposeB: true, addend: projected });
    const { state, cell, gates } = operations.lstmGates(preActivations, previousCell);
    return { carry: [state, cell], cache: [gates, previousCell, cell] };
  },
  backward(operations, { hidden }, [gates, previousCell, cell], [dState, dCell]) {
    const { dPreActivations, dPreviousCell } = operations.lstmGatesBackward({ gates, previousCell, cell }, dState, dCell);
    return { dProjected: dPreActivations, dRecurrent: dPreActivations, dCarry: [operations.matMul(dPreActivations, hidden), dPreviousCell] };
  },
  hiddenGradient: hiddenGradientOfState,
  activations: (operations, [gates, , cell]) => [...partsOf(operations, gates, 4), operations.activation('tanh', cell)],
  wholeGradient(operations, [gates, , cell], [dState, dCell]) {
    // dE/dc_t holds what c_t does through h_t = o_t * tanh(c_t).
    const outputGate = operations.columns(gates, 3 * cell.columns, 4 * cell.columns);
    const throughState = operations.activationBackward('tanh', operations.activation('tanh', cell), operations.multiply(dState, outputGate));
    return [dState, operations.add(dCell, throughState)];
  },
};
