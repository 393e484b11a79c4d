/**
 * Wraps a CommonJS chunk for the script tag, for CommonJS and for AMD. In a page the global is always set, as `module` and
 * `exports` may come from Electron or be elements with these ids, and an AMD loader may exist that did not request the script.
 * Strict mode only within, as the file may be concatenated with other scripts.
 */
export const umd = (name) => ({
  intro: `(function (make) {
    var api = make({});
    var isCommonJs = typeof exports === 'object' && typeof module === 'object' && !!module && module.exports === exports;
    var isPage = typeof document !== 'undefined';
    if (isCommonJs) module.exports = api;
    if (isPage || !isCommonJs) globalThis.${name} = api;
    if (!isCommonJs && typeof define === 'function' && define.amd) {
      // RequireJS fails at an anonymous module of a script that it did not load; it marks the scripts that it loads.
      var script = isPage && document.currentScript;
      if (script && !script.hasAttribute('data-requiremodule')) define('nikdev-iot', [], function () { return api; });
      else define(function () { return api; });
    }
  })(function (exports) {
    'use strict';`,
  outro: 'return exports; });',
});
