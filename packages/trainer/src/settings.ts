export { generationSchema, generationSettings, loadingSchema, type GenerationSettings, type LoadingSettings } from './generation-settings.js';
export { measurementSchema } from './measurement-settings.js';
export { defaultOf, metaOf, onOff, oneOf, parseSettings, realNumber, text, textRead, wholeNumber, wholeNumbers, type SettingMeta, type SettingsSchema } from './settings-schema.js';
export { initializationOf, initializationShape, modelOf, modelShape, objectiveOf, objectiveShape, type ModelSettings } from './model-settings.js';
export { BACKENDS, microshardsOf, runConfigOf, runDirectoryOf, threadsOf, trainingSchema, trainingSettings, type TrainingSettings } from './training-settings.js';
export { InterruptedError, throwIfInterrupted } from './interruption.js';
