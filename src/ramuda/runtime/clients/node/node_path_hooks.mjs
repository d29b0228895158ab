// The resolve hook of node_path.cjs for Node.js before 22.15, where it runs in a thread of its own.

let dirs = [];

export function initialize(data) {
  dirs = data;
}

export async function resolve(specifier, context, next) {
  try {
    return await next(specifier, context);
  } catch (error) {
    if (error.code !== 'ERR_MODULE_NOT_FOUND' || /^([./]|[a-z]+:)/.test(specifier)) throw error;
    for (const parentURL of dirs) {
      try {
        return await next(specifier, { ...context, parentURL });
      } catch (again) {
        if (again.code !== 'ERR_MODULE_NOT_FOUND') throw again;
      }
    }
    throw error;
  }
}
