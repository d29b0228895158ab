"""What each setting of a function does here; `docs/coverage.md` shows it.

Keys are the members of CreateFunction and UpdateFunctionConfiguration; a test keeps them complete.
"""

EFFECTS = {
    "AcceleratorConfig": "refused: there are no accelerators",
    "Architectures": "kept; functions run on this machine's processor, whatever is asked. Images must be of it",
    "CapacityProviderConfig": "refused: managed instances are not built",
    "Code": "ZipFile, S3Bucket with S3Key, ImageUri; `S3Bucket=hot-reload` makes a folder of this machine the code. "
    "S3ObjectStorageMode REFERENCE is refused",
    "CodeSigningConfigArn": "in force: nothing here is ever signed, so Enforce refuses code and Warn counts it",
    "DeadLetterConfig": "in force for asynchronous invocations: SQS and SNS",
    "Description": "kept",
    "DurableConfig": "refused: durable executions are not built",
    "Environment": "in force; sealed with AES-GCM on the disk",
    "EphemeralStorage": "in force: /tmp is a file system of that size",
    "FileSystemConfigs": "checked and kept; nothing is mounted",
    "FunctionName": "in force",
    "Handler": "in force",
    "ImageConfig": "in force: entry point, command, working directory",
    "KMSKeyArn": "where KMS has an endpoint of its own, its data key seals the environment variables; where moto plays "
    "KMS the key is looked up and the server's own key seals; before KMS is in use, kept",
    "Layers": "in force, also of other accounts whose policy allows it",
    "LoggingConfig": "in force: format, levels, group",
    "MemorySize": "in force: memory limit and CPU share",
    "PackageType": "Zip and Image",
    "Publish": "in force",
    "PublishTo": "refused: `$LATEST.PUBLISHED` belongs to managed instances",
    "RevisionId": "in force: 412 when it is another",
    "Role": "its temporary credentials are the environment's; looked up in IAM where that is in use. Policies are not "
    "evaluated",
    "Runtime": "in force; `custom` is refused",
    "RuntimeConfig": "refused: customer-managed runtimes are not built",
    "SnapStart": "in force for Python in the isolated sandbox: published versions start from a snapshot. For Java "
    "and .NET it is kept with OptimizationStatus Off; refused where AWS refuses it",
    "Tags": "kept",
    "TenancyConfig": "refused: tenant isolation is not built",
    "Timeout": "in force",
    "TracingConfig": "Active samples one request a second and 5 % of the others; `_X_AMZN_TRACE_ID` tells the function "
    "so. Segments are not kept yet",
    "VpcConfig": "looked up in EC2 where that is in use; a function whose subnets have no route to a NAT gateway "
    "reaches the platform's endpoint and nothing else (option `vpc_egress`). There are no addresses of the VPC",
}
