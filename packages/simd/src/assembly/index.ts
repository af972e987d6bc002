// Functions marked `@inline` are compiled into their callers. It is a decorator of AssemblyScript alone: TypeScript, which checks these files too, has none on
// functions, hence `@ts-ignore: decorator` before each.

export { addArrays, areFinite, averageArray, clampArray, descendAdagrad, descendAdam, descendDecayedSgd, descendMomentum, descendRmsprop, descendSgd, receive, sumOfSquares } from './arithmetic';
export { isFused } from './fused';
export { gruGates, gruGatesBackward } from './gru';
export { lstmGates, lstmGatesBackward } from './lstm';
export { matMul, packPanels, panelBytes, setWorkspace, workspaceBytes } from './mat-mul';
export { add, exp, log, multiply, relu, reluBackward, scale, sigmoid, sigmoidBackward, subtract, tanh, tanhBackward } from './pointwise';
export { jacobianPenalty, squaredError } from './row-errors';
export { addRow, addSumOfRows, copy, copyBlock, firstIdOutside, gatherRows, scatterAddRows, transpose, zero } from './rows';
export { addBiasAndMaximum, exponentials, finishSoftmax, outputErrors, startSoftmax, takeTargetsOut } from './softmax-cross-entropy';
export { multiplyAddVectors } from './vector-limit';

/** First address past the constants of the kernels. */
export function constantsEnd(): usize {
  return __heap_base;
}
