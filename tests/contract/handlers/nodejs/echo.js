exports.handler = async (event, context) => ({
  event,
  request_id: context.awsRequestId,
  function: context.functionName,
  version: context.functionVersion,
  memory: context.memoryLimitInMB,
  arn: context.invokedFunctionArn,
  group: context.logGroupName,
  stream: context.logStreamName,
  remaining: context.getRemainingTimeInMillis(),
  trace: process.env._X_AMZN_TRACE_ID,
  greeting: process.env.GREETING,
  cwd: process.cwd(),
});

exports.failing = async function failing() {
  throw new RangeError('it is broken');
};
