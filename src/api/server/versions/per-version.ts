/**
 * Keeps the results of a transform for frozen values, so that an unchanged object has one form per version, frozen too.
 * A value that is not frozen is transformed each time.
 */
export function perVersion<T extends object, R extends object>(
  transform: (value: T, version: number) => R,
): (value: T, version: number) => R {
  const kept = new WeakMap<T, Map<number, R>>();
  return (value, version) => {
    if (!Object.isFrozen(value)) return transform(value, version);
    const forms = kept.get(value) ?? new Map<number, R>();
    kept.set(value, forms);
    const form = forms.get(version) ?? Object.freeze(transform(value, version));
    forms.set(version, form);
    return form;
  };
}
