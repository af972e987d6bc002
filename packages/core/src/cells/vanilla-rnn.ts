import type { Activation } from '../model-config.js';
import { hiddenGradientOfState, unchangedGradient, type Cell } from './cell.js';

/**
 * The vanilla (Elman) cell, `docs/math/bptt.md` equations 1 and 5:
 *
 *     a_t = W_ih x_t + b_ih + W_hh s_{t-1} + b_hh        s_t = f(a_t)
 *     dE/da_t = dE/ds_t * f'(a_t)                        dE/ds_{t-1} = W_hh^T dE/da_t
 */
export function vanillaRnn(f: Activation): Cell {
  return {
    carryParts: 1,
    gates: 1,
    gatesRecurrent: false,
    nonlinearities: [{ name: 's', f }],
    forward(operations, { hidden }, projected, [previous]) {
      const s = operations.activation(f, operations.matMul(previous, hidden, { transposeB: true, addend: projected }));
      return { carry: [s], cache: [s] };
    },
    backward(operations, { hidden }, [s], [dS]) {
      const dA = operations.activationBackward(f, s, dS);
      return { dProjected: dA, dRecurrent: dA, dCarry: [operations.matMul(dA, hidden)] };
    },
    hiddenGradient: hiddenGradientOfState,
    activations: (_, [s]) => [s],
    wholeGradient: unchangedGradient,
  };
}
