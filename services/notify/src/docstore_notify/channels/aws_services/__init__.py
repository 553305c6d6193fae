"""What the channels to Amazon SNS, SQS and EventBridge share, and text messages by SNS."""
