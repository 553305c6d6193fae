variable "policies" {
  type        = map(string)
  description = "rendered files of deploy/policies/aws"
}

variable "buckets" {
  type        = object({ content = string, processed = string })
  description = "names of the two buckets"
}

variable "account_id" {
  type        = string
  description = "AWS account"
}

variable "public_url" {
  type        = string
  description = "the gateway's address, whose page uploads and downloads"
}

variable "distribution_arns" {
  type        = list(string)
  default     = []
  description = "CloudFront distributions that read both buckets"
}

variable "log_bucket" {
  type        = string
  description = "bucket of access logs"
}

variable "replica" {
  type        = object({ bucket_arn = string, key_arn = string })
  default     = null
  description = "bucket of contents in another region, and its KMS key, to which contents are replicated; null: none"
}
