// The runtime client: loads the handler, then one event after the other, for ever.
'use strict';

const { RuntimeApi } = require('./api.cjs');
const { buildContext, publishTrace } = require('./context.cjs');
const { RuntimeError } = require('./errors.cjs');
const { loadHandler } = require('./handler.cjs');
const idle = require('./idle.cjs');
const log = require('./log.cjs');
const { installGlobal, streamingOf } = require('./response_stream.cjs');
const styles = require('./styles.cjs');

const FIRST_MODERN = 24;
const EXIT_UNCAUGHT = 129; // as AWS's client
const EXIT_UNHANDLED = 128;

exports.run = async function run() {
  log.patchConsole();
  installGlobal();
  const api = new RuntimeApi(process.env.AWS_LAMBDA_RUNTIME_API);
  const current = { id: null };
  reportCrashes(api, current);
  idle.listen();
  const handler = await loadHandler(process.env.LAMBDA_TASK_ROOT, process.env._HANDLER);
  const style = styleOf(handler);
  for (;;) {
    const { headers, body } = await api.next();
    current.id = headers['lambda-runtime-aws-request-id'];
    log.setInvocation(current.id, headers['lambda-runtime-aws-tenant-id']);
    publishTrace(headers);
    await style(api, handler, { id: current.id, event: JSON.parse(body), context: buildContext(headers) });
  }
};

function styleOf(handler) {
  const { isStreaming, highWaterMark } = streamingOf(handler);
  if (isStreaming) return styles.streaming(highWaterMark);
  if (runtimeMajor() < FIRST_MODERN) return styles.classic;
  styles.refuseCallback(handler);
  return styles.modern;
}

// The version that the function asked for; another may stand in for it.
function runtimeMajor() {
  const [, major] = /nodejs(\d+)/.exec(process.env.AWS_EXECUTION_ENV || '') || [];
  return Number(major || process.versions.node.split('.')[0]);
}

function reportCrashes(api, current) {
  const end = async (what, error, code) => {
    log.logError(what, error);
    await (current.id ? api.fail(current.id, error) : api.failInit(error)).catch(() => {});
    process.exit(code);
  };
  process.on('uncaughtException', (error) => end('Uncaught Exception', error, EXIT_UNCAUGHT));
  process.on('unhandledRejection', (reason) => {
    end('Unhandled Promise Rejection', new RuntimeError('UnhandledPromiseRejection', String(reason)), EXIT_UNHANDLED);
  });
}
