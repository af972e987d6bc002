export { gruGates, gruGatesBackward } from './gru';
export { lstmGates, lstmGatesBackward } from './lstm';
export { forgetPacked, matMul, workspaceEnd } from './mat-mul';
export { add, exp, multiply, relu, reluBackward, scale, sigmoid, sigmoidBackward, subtract, tanh, tanhBackward } from './pointwise';
export { jacobianPenalty, squaredError } from './row-errors';
export { addRow, addSumOfRows, copyBlock, firstIdOutside, gatherRows, scatterAddRows } from './rows';
export { softmaxCrossEntropy } from './softmax-cross-entropy';
