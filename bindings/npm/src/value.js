// A JavaScript value is written as the JSON text that it stands for; the rest of the rules is the core's.

import { ArcoflowError, refuse } from "./glue.js";

const MAX_DEPTH = 128;

/** The JSON text of a value, members in the order in which they come. */
export function textOf(value) {
  return write(value, []);
}

function write(value, path) {
  switch (typeof value) {
    case "string":
      return JSON.stringify(value);
    case "number":
      return writeNumber(value);
    case "boolean":
      return value ? "true" : "false";
    case "bigint":
      return value.toString();
    case "object":
      return value === null ? "null" : writeObject(value, path);
    default:
      throw refuse("json.value");
  }
}

function writeNumber(value) {
  if (!Number.isInteger(value)) throw refuse("json.float");
  if (!Number.isSafeInteger(value)) throw refuse("json.unsafe_integer");
  if (Object.is(value, -0)) throw refuse("json.negative_zero");
  return String(value);
}

function writeObject(value, path) {
  // A path that is too long either goes in circles or is too deep.
  if (path.length >= MAX_DEPTH) throw refuse(path.includes(value) ? "json.cycle" : "json.depth");
  if (typeof value.toJSON === "function") {
    const other = value.toJSON("");
    if (other === value) throw refuse("json.cycle");
    path.push(value);
    const text = write(other, path);
    path.pop();
    return text;
  }
  path.push(value);
  const text = Array.isArray(value) ? writeArray(value, path) : writeMembers(value, path);
  path.pop();
  return text;
}

function writeArray(values, path) {
  let text = "[";
  for (let index = 0; index < values.length; index += 1) {
    if (index > 0) text += ",";
    text += write(values[index], path);
  }
  return text + "]";
}

function writeMembers(object, path) {
  const prototype = Object.getPrototypeOf(object);
  if (prototype !== null && Object.getPrototypeOf(prototype) !== null) throw refuse("json.value");
  if (Object.getOwnPropertySymbols(object).length > 0) throw refuse("json.key");
  let text = "{";
  for (const key of Object.keys(object)) {
    if (text.length > 1) text += ",";
    text += JSON.stringify(key) + ":" + write(object[key], path);
  }
  return text + "}";
}

/** Runs what reads the text of a value: an offset in a text that nobody wrote has no meaning. */
export function placeless(read) {
  try {
    return read();
  } catch (error) {
    if (error instanceof ArcoflowError && error.offset !== undefined) throw refuse(error.code);
    throw error;
  }
}
