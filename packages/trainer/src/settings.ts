export { generationSchema, generationSettings, loadingSchema, type GenerationSettings, type LoadingSettings } from './generation-settings.js';
export { defaultOf, metaOf, onOff, oneOf, parseSettings, realNumber, text, textRead, wholeNumber, type SettingMeta, type SettingsSchema } from './settings-schema.js';
export { BACKENDS, microshardsOf, modelOf, modelShape, runConfigOf, runDirectoryOf, threadsOf, trainingSchema, trainingSettings, type TrainingSettings } from './training-settings.js';
export { InterruptedError, throwIfInterrupted, untilInterrupted } from './interruption.js';
