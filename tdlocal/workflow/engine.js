// Runs once in a new context: takes away what ECMAScript 5 does not have and adds the writers of values.
(function (root) {
  var keep = {
    String: ["charAt", "charCodeAt", "concat", "indexOf", "lastIndexOf", "localeCompare", "match", "replace", "search",
      "slice", "split", "substr", "substring", "toLocaleLowerCase", "toLocaleUpperCase", "toLowerCase", "toString",
      "toUpperCase", "trim", "valueOf", "constructor", "length"],
    Array: ["concat", "every", "filter", "forEach", "indexOf", "join", "lastIndexOf", "map", "pop", "push", "reduce",
      "reduceRight", "reverse", "shift", "slice", "some", "sort", "splice", "toLocaleString", "toString", "unshift",
      "constructor", "length"]
  };
  var statics = {
    String: ["fromCharCode", "prototype", "length", "name"],
    Array: ["isArray", "prototype", "length", "name"],
    Number: ["MAX_VALUE", "MIN_VALUE", "NaN", "NEGATIVE_INFINITY", "POSITIVE_INFINITY", "prototype", "length", "name"],
    Object: ["create", "defineProperties", "defineProperty", "freeze", "getOwnPropertyDescriptor",
      "getOwnPropertyNames", "getPrototypeOf", "isExtensible", "isFrozen", "isSealed", "keys", "preventExtensions",
      "seal", "prototype", "length", "name"]
  };
  var maths = ["E", "LN10", "LN2", "LOG10E", "LOG2E", "PI", "SQRT1_2", "SQRT2", "abs", "acos", "asin", "atan", "atan2",
    "ceil", "cos", "exp", "floor", "log", "max", "min", "pow", "random", "round", "sin", "sqrt", "tan"];
  function only(object, names) {
    Object.getOwnPropertyNames(object).forEach(function (name) {
      if (names.indexOf(name) < 0) { delete object[name]; }
    });
  }
  Object.keys(keep).forEach(function (name) { only(root[name].prototype, keep[name]); });
  Object.keys(statics).forEach(function (name) { only(root[name], statics[name]); });
  only(Math, maths);
  ["Map", "Set", "WeakMap", "WeakSet", "WeakRef", "FinalizationRegistry", "Promise", "Proxy", "Reflect", "Symbol",
    "BigInt", "BigFloat", "BigDecimal", "Operators", "globalThis", "queueMicrotask", "AggregateError",
    "SharedArrayBuffer", "Atomics", "DataView", "ArrayBuffer", "Int8Array", "Uint8Array", "Uint8ClampedArray",
    "Int16Array", "Uint16Array", "Int32Array", "Uint32Array", "Float32Array", "Float64Array", "BigInt64Array",
    "BigUint64Array", "__date_clock"].forEach(function (name) { delete root[name]; });
  Object.defineProperty(root, "__text", {
    value: function (value) {
      if (value === null || value === undefined) { return ""; }
      if (typeof value === "string") { return value; }
      var text = JSON.stringify(value);
      return text === undefined ? "undefined" : text;
    }
  });
  Object.defineProperty(root, "__whole", {
    value: function (text) { return text.indexOf("\0") < 0 ? text : "\uffffjson" + JSON.stringify(text); }
  });
})(this);
