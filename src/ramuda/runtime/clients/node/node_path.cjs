// NODE_PATH for `import`. Node.js looks there for `require` only; on Lambda ES modules find the AWS SDK in /var/runtime
// and layers in /opt/nodejs as well.
//
// From Node.js 22.15 on, hooks run in the same thread and cost nothing until a package is not found. Older ones
// (18.19, 20.6) run hooks in a second thread, which costs start-up time: there they serve ES module handlers only.
'use strict';

const fs = require('fs');
const Module = require('module');
const path = require('path');
const { pathToFileURL } = require('url');

function parents() {
  const dirs = (process.env.NODE_PATH || '').split(path.delimiter);
  return dirs.filter((dir) => path.basename(dir) === 'node_modules')
    .map((dir) => pathToFileURL(path.join(path.dirname(dir), 'any.mjs')).href);
}

function isEsModuleHandler(root, handler) {
  const dir = path.dirname(handler);
  const file = path.resolve(root, dir, path.basename(handler).split('.')[0]);
  return fs.existsSync(`${file}.mjs`) || (fs.existsSync(`${file}.js`) && isModuleFolder(path.dirname(file)));
}

function isModuleFolder(folder) {
  for (let at = folder; ; at = path.dirname(at)) {
    try {
      return JSON.parse(fs.readFileSync(path.join(at, 'package.json'), 'utf8')).type === 'module';
    } catch (error) {
      if (error.code !== 'ENOENT' || at === path.dirname(at)) return false;
    }
  }
}

exports.isModuleFolder = isModuleFolder;

exports.extendToEsModules = function extendToEsModules() {
  if (Module.registerHooks) {
    Module.registerHooks({ resolve: (specifier, context, next) => resolveNow(specifier, context, next, parents()) });
  } else if (Module.register && isEsModuleHandler(process.env.LAMBDA_TASK_ROOT, process.env._HANDLER || '')) {
    const hooks = pathToFileURL(path.join(__dirname, 'node_path_hooks.mjs'));
    Module.register(hooks, { data: parents() });
  }
};

function resolveNow(specifier, context, next, dirs) {
  try {
    return next(specifier, context);
  } catch (error) {
    if (error.code !== 'ERR_MODULE_NOT_FOUND' || /^([./]|[a-z]+:)/.test(specifier)) throw error;
    for (const parentURL of dirs) {
      try {
        return next(specifier, { ...context, parentURL });
      } catch (again) {
        if (again.code !== 'ERR_MODULE_NOT_FOUND') throw again;
      }
    }
    throw error;
  }
}
