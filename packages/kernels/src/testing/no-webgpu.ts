/** In the place of the package `webgpu` in a browser, which has WebGPU itself or not at all. */
export function create(): never {
  throw new Error('the package webgpu is for Node');
}
