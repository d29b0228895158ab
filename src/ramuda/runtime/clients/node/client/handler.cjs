// Finds the function that `folder/module.export.path` names.
//
// A file is tried without an ending, as .js (CommonJS, or an ES module by the nearest package.json), .mjs and .cjs, then
// as a package. Source: https://docs.aws.amazon.com/lambda/latest/dg/nodejs-handler.html
'use strict';

const fs = require('fs');
const path = require('path');
const { RuntimeError } = require('./errors.cjs');
const { isModuleFolder } = require('../node_path.cjs');

exports.loadHandler = async function loadHandler(root, name) {
  if (name.includes('..')) {
    const advice = 'Use absolute paths when specifying root directories in handler names.';
    throw new RuntimeError('MalformedHandlerName', `'${name}' is not a valid handler name. ${advice}`);
  }
  const last = path.basename(name);
  const dot = last.indexOf('.');
  if (dot < 0) throw new RuntimeError('MalformedHandlerName', 'Bad handler');
  const folder = path.resolve(root, name.slice(0, name.length - last.length));
  const loaded = await loadModule(folder, last.slice(0, dot), root);
  const exported = last.slice(dot + 1);
  const handler = follow(loaded, exported) ?? follow(loaded.default, exported);
  if (!handler) throw new RuntimeError('HandlerNotFound', `${name} is undefined or not exported`);
  if (typeof handler !== 'function') throw new RuntimeError('HandlerNotFound', `${name} is not a function`);
  return handler;
};

const follow = (value, dotted) => dotted.split('.').reduce((inner, key) => inner && inner[key], value);

async function loadModule(folder, name, root) {
  const file = path.join(folder, name);
  try {
    if (isFile(file)) return require(file);
    if (isFile(`${file}.js`)) return isModuleFolder(folder) ? await import(`${file}.js`) : require(`${file}.js`);
    if (isFile(`${file}.mjs`)) return await import(`${file}.mjs`);
    if (isFile(`${file}.cjs`)) return require(`${file}.cjs`);
    return require(require.resolve(name, { paths: [root, folder] }));
  } catch (error) {
    if (error instanceof SyntaxError) {
      // Its stack begins with the place in the source.
      throw Object.assign(new RuntimeError('UserCodeSyntaxError', String(error)), { stack: error.stack });
    }
    if (error?.code === 'MODULE_NOT_FOUND') throw new RuntimeError('ImportModuleError', String(error));
    throw error;
  }
}

const isFile = (file) => fs.statSync(file, { throwIfNoEntry: false })?.isFile() ?? false;
