/**
 * Wraps a CommonJS chunk for the script tag, for CommonJS and for AMD. In a page the global is always set: `module` and `exports`
 * may be those of Electron, or elements with these ids, and an AMD loader may be there without having asked for the script. It is
 * strict inside only: others may join it with scripts of theirs.
 */
export const umd = (name) => ({
  intro: `(function (make) {
    var api = make({});
    var isCommonJs = typeof exports === 'object' && typeof module === 'object' && !!module && module.exports === exports;
    var isPage = typeof document !== 'undefined';
    if (isCommonJs) module.exports = api;
    if (isPage || !isCommonJs) globalThis.${name} = api;
    if (!isCommonJs && typeof define === 'function' && define.amd) {
      // RequireJS fails at a module without a name that it did not load itself, which it marks.
      var script = isPage && document.currentScript;
      if (script && !script.hasAttribute('data-requiremodule')) define('nikdev-iot', [], function () { return api; });
      else define(function () { return api; });
    }
  })(function (exports) {
    'use strict';`,
  outro: 'return exports; });',
});
