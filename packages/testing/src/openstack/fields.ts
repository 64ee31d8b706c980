/** A value that a service's schema refuses, and where. */
export class FieldError extends Error {
  constructor(
    readonly field: string | undefined,
    readonly value: unknown,
    message: string,
  ) {
    super(message);
  }

  /** The sentence in which Nova, Cinder and Keystone tell it. Like the real ones it quotes the whole value. */
  sentence(): string {
    if (this.field === undefined) return this.message;
    return `Invalid input for field/attribute ${this.field}. Value: ${repr(this.value)}. ${this.message}`;
  }
}

/** Judges one value; throws {@link FieldError}. */
export type Field = (value: unknown, name: string | undefined) => void;

/** An object with these members and no others. */
export function object(members: Readonly<Record<string, Field>>, required: readonly string[] = []): Field {
  return (value, name) => {
    if (typeof value !== "object" || value === null || Array.isArray(value)) {
      throw new FieldError(name, value, `${repr(value)} is not of type 'object'`);
    }
    for (const key of required) {
      if (!(key in value)) throw new FieldError(name, value, `'${key}' is a required property`);
    }
    const unknown = Object.keys(value).filter((key) => !(key in members));
    if (unknown.length > 0) {
      const listed = unknown.map((key) => `'${key}'`).join(", ");
      throw new FieldError(
        name,
        value,
        `Additional properties are not allowed (${listed} ${unknown.length > 1 ? "were" : "was"} unexpected)`,
      );
    }
    for (const [key, member] of Object.entries(value)) members[key]!(member, key);
  };
}

/** A list of such values. */
export function list(item: Field): Field {
  return (value, name) => {
    if (!Array.isArray(value)) throw new FieldError(name, value, `${repr(value)} is not of type 'array'`);
    for (const [index, entry] of value.entries()) item(entry, String(index));
  };
}

/** Text of this many characters. */
export function text(limits: { readonly min?: number; readonly max?: number } = {}): Field {
  return (value, name) => {
    if (typeof value !== "string")
      throw new FieldError(name, value, `${repr(value)} is not of type 'string'`);
    if (value.length < (limits.min ?? 0)) throw new FieldError(name, value, `${repr(value)} is too short`);
    if (value.length > (limits.max ?? 65_535))
      throw new FieldError(name, value, `${repr(value)} is too long`);
  };
}

/** Text of a form that has a name, for example `uuid`. */
export function format(kind: string, pattern: RegExp, max = 65_535): Field {
  return (value, name) => {
    text({ max })(value, name);
    if (!pattern.test(value as string)) {
      throw new FieldError(name, value, `${repr(value)} is not a '${kind}'`);
    }
  };
}

export const uuid = format("uuid", /^[0-9a-f]{8}-?([0-9a-f]{4}-?){3}[0-9a-f]{12}$/i);

export function oneOf(values: readonly unknown[]): Field {
  return (value, name) => {
    if (!values.includes(value)) {
      throw new FieldError(name, value, `${repr(value)} is not one of [${values.map(repr).join(", ")}]`);
    }
  };
}

/** A whole number, or its digits. */
export function integer(limits: { readonly min: number; readonly max?: number }): Field {
  return (value, name) => {
    const number = typeof value === "string" && /^-?\d+$/.test(value) ? Number(value) : value;
    if (typeof number !== "number" || !Number.isInteger(number)) {
      throw new FieldError(name, value, `${repr(value)} is not of type 'integer'`);
    }
    if (number < limits.min) {
      throw new FieldError(name, value, `${repr(value)} is less than the minimum of ${limits.min}`);
    }
    if (number > (limits.max ?? 2_147_483_647)) {
      throw new FieldError(name, value, `${repr(value)} is greater than the maximum of ${limits.max}`);
    }
  };
}

export const boolean = oneOf([true, false, "True", "true", "False", "false", "1", "0"]);

export const anything: Field = () => {};

/** Text by text: what metadata is. */
export const metadata: Field = (value, name) => {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new FieldError(name, value, `${repr(value)} is not of type 'object'`);
  }
  for (const [key, member] of Object.entries(value)) {
    if (!/^[a-zA-Z0-9-_:. ]{1,255}$/.test(key)) {
      throw new FieldError(name, value, `Additional properties are not allowed ('${key}' was unexpected)`);
    }
    text({ max: 255 })(member, key);
  }
};

/** A value as Python prints it, near enough. */
function repr(value: unknown): string {
  if (typeof value === "string") return `'${value}'`;
  if (value === null || value === undefined) return "None";
  if (typeof value === "boolean") return value ? "True" : "False";
  if (Array.isArray(value)) return `[${value.map(repr).join(", ")}]`;
  if (typeof value === "object") {
    return `{${Object.entries(value)
      .map(([key, member]) => `'${key}': ${repr(member)}`)
      .join(", ")}}`;
  }
  return String(value);
}
