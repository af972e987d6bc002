import { describe, expect, it } from 'vitest';
import { measurementSettings } from './measurement-settings.js';

describe('measurementSettings', () => {
  it('follow errors as far as a tenth of the sentences reach, at most 50 steps', () => {
    expect(measurementSettings({}, { longest: 200, tenth: 70 })).toEqual({
      lags: 50, sentences: 64, jacobianLags: [1, 10], jacobianSamples: 16, seed: 1, truncations: [{ kind: 'window', k: 4 }, { kind: 'window', k: 16 }],
    });
    expect(measurementSettings({}, { longest: 20, tenth: 7 })).toMatchObject({ lags: 7, jacobianLags: [1] });
    expect(measurementSettings({ lags: 20, jacobianLags: '2,20', truncations: 'chunk:5, full' }, { longest: 20, tenth: 7 })).toMatchObject({ lags: 20, jacobianLags: [2, 20], truncations: [{ kind: 'chunk', k: 5 }, { kind: 'full' }] });
  });

  it.each([
    [{ lags: 21 }, 'lags: expected at most 20, as far as the longest sentence of the text reaches, got 21'],
    [{ lags: 0 }, 'lags: expected a whole number from 1 to 255, got 0'],
    [{ lags: 5, jacobianLags: [1, 6] }, 'jacobianLags: expected at most 5, as many as lags, got 6'],
    [{ jacobianLags: '1,' }, 'jacobianLags: expected a whole number from 1 to 255, or several, got "1,"'],
    [{ truncations: 'window:4,window' }, 'truncations: expected full, window:k (k from 0 to 1048576) or chunk:k (k from 1 to 1048576), got "window"'],
  ])('refuse %j', (given, message) => {
    expect(() => measurementSettings(given, { longest: 20, tenth: 7 })).toThrow(message);
  });
});
