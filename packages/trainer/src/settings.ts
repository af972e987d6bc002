export { generationSchema, loadingSchema, type LoadingSettings } from './generation-settings.js';
export { measurementSchema } from './measurement-settings.js';
export { defaultOf, metaOf, oneOf, parseSettings, realNumber, text, wholeNumber, wholeNumbers, type SettingsSchema } from './settings-schema.js';
export { initializationOf, initializationShape, modelOf, modelShape, objectiveOf, objectiveShape } from './model-settings.js';
export { BACKENDS, deviceSetting, runConfigOf, threadsOf, trainingSchema, trainingSettings, type TrainingSettings } from './training-settings.js';
export { InterruptedError } from './interruption.js';
