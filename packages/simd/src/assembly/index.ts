export { forgetPacked, matMul, workspaceEnd } from './mat-mul';
export { add, exp, relu, reluBackward, sigmoid, sigmoidBackward, tanh, tanhBackward } from './pointwise';
export { addRow, addSumOfRows, firstIdOutside, gatherRows, scatterAddRows } from './rows';
export { softmaxCrossEntropy } from './softmax-cross-entropy';
