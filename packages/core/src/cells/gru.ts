import type { Matrix } from '../backend.js';
import { hiddenGradientOfState, partsOf, unchangedGradient, type Cell, type Nonlinearity } from './cell.js';

const NONLINEARITIES: readonly Nonlinearity[] = [{ name: 'r', f: 'sigmoid' }, { name: 'z', f: 'sigmoid' }, { name: 'n', f: 'tanh' }];

/**
 * The GRU as PyTorch and cuDNN have it, gates in the order r, z, n: the reset gate acts on the recurrent product, `docs/math/bptt.md` section 9:
 *
 *     [r z] = sigmoid(W_ih x_t + b_ih + W_hh h_{t-1} + b_hh)   n = tanh(W_in x_t + b_in + r * (W_hn h_{t-1} + b_hn))
 *     h_t = (1 - z) * n + z * h_{t-1}
 */
export const gru: Cell = {
  carryParts: 1,
  gates: 3,
  gatesRecurrent: true,
  nonlinearities: NONLINEARITIES,
  forward(operations, { hidden, hiddenBias }, projected, [previous]) {
    const recurrent = operations.matMul(previous, hidden, { transposeB: true, addend: hiddenBias });
    const { state, gates } = operations.gruGates(projected, recurrent, previous);
    return { carry: [state], cache: [gates, recurrent, previous] };
  },
  backward(operations, { hidden }, [gates, recurrent, previous], [dState]) {
    const { dProjected, dRecurrent, dPrevious } = operations.gruGatesBackward({ gates, recurrent, previous }, dState);
    return { dProjected, dRecurrent, dCarry: [operations.matMul(dRecurrent, hidden, { addend: dPrevious })] };
  },
  hiddenGradient: hiddenGradientOfState,
  activations: (operations, [gates]) => partsOf(operations, gates, 3),
  wholeGradient: unchangedGradient,
};

/**
 * The GRU of Cho et al. 2014: the reset gate acts on the state before its product with `W_hn`. Weights of one variant cannot be turned
 * into the other's.
 *
 *     n = tanh(W_in x_t + b_in + W_hn (r * h_{t-1}) + b_hn)      the rest as `gru`
 */
export const gruResetBefore: Cell = {
  carryParts: 1,
  gates: 3,
  gatesRecurrent: false,
  nonlinearities: NONLINEARITIES,
  forward(operations, { hidden }, projected, [previous]) {
    const [H, G] = [previous.columns, 2 * previous.columns];
    const ofGates = operations.matMul(previous, operations.rows(hidden, 0, G), { transposeB: true, addend: operations.columns(projected, 0, G) });
    const both = operations.activation('sigmoid', ofGates);
    const [r, z] = [operations.columns(both, 0, H), operations.columns(both, H, G)];
    const reset = operations.multiply(r, previous);
    const ofCandidate = operations.matMul(reset, operations.rows(hidden, G, G + H), { transposeB: true, addend: operations.columns(projected, G, G + H) });
    const n = operations.activation('tanh', ofCandidate);
    const s = operations.add(n, operations.multiply(z, operations.subtract(previous, n)));
    return { carry: [s], cache: [r, z, n, reset, previous] };
  },
  backward(operations, { hidden }, [r, z, n, , previous], [dS]) {
    const [H, G] = [n.columns, 2 * n.columns];
    const dThroughZ = operations.multiply(dS, z);
    const dCandidate = operations.activationBackward('tanh', n, operations.subtract(dS, dThroughZ));
    const dReset = operations.matMul(dCandidate, operations.rows(hidden, G, G + H));
    const dR = operations.activationBackward('sigmoid', r, operations.multiply(dReset, previous));
    const dZ = operations.activationBackward('sigmoid', z, operations.multiply(dS, operations.subtract(previous, n)));
    const past = operations.add(dThroughZ, operations.multiply(dReset, r));
    const dPrevious = operations.matMul(operations.beside([dR, dZ]), operations.rows(hidden, 0, G), { addend: past });
    const dPreActivations = operations.beside([dR, dZ, dCandidate]);
    return { dProjected: dPreActivations, dRecurrent: dPreActivations, dCarry: [dPrevious] };
  },
  hiddenGradient(operations, dRecurrent, { previous, caches }) {
    const [H, G] = [previous.columns, 2 * previous.columns];
    const part = (begin: number, end: number, input: Matrix): Matrix =>
      operations.matMul(operations.columns(dRecurrent, begin, end), input, { transposeA: true });
    const reset = operations.stack(caches.map(([, , , ofStep]) => ofStep));
    return operations.stack([part(0, G, previous), part(G, G + H, reset)]);
  },
  activations: (_, [r, z, n]) => [r, z, n],
  wholeGradient: unchangedGradient,
};
