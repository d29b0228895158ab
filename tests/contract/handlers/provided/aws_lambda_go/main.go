// A function on AWS's own library for Go.
package main

import (
	"context"

	"github.com/aws/aws-lambda-go/lambda"
)

func handle(_ context.Context, event map[string]any) (map[string]any, error) {
	return map[string]any{"language": "go", "event": event}, nil
}

func main() {
	lambda.Start(handle)
}
