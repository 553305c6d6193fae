# The files of deploy/policies/aws, their example names replaced: the one source of what services may do.

variable "account_id" {
  type        = string
  description = "AWS account"
}

variable "region" {
  type        = string
  description = "AWS region"
}

variable "content_bucket" {
  type        = string
  description = "bucket of contents"
}

variable "processed_bucket" {
  type        = string
  description = "bucket of previews"
}

variable "transcription_bucket" {
  type        = string
  default     = "docstore-transcription"
  description = "bucket of recordings that Amazon Transcribe reads, if the indexer uses it (INDEXER_TRANSCRIPTION_BUCKET)"
}

variable "log_bucket" {
  type        = string
  description = "bucket of access logs"
}

variable "backup_bucket" {
  type        = string
  description = "bucket of backups"
}

variable "key_arn" {
  type        = string
  description = "KMS key of the buckets"
}

variable "oidc_provider" {
  type        = string
  description = "issuer of the cluster's service accounts, without https://"
}

variable "mail_domain" {
  type        = string
  description = "identity that SES sends as"
}

locals {
  folder = "${path.module}/../../../policies/aws"
  rendered = {
    for name in fileset(local.folder, "*.json") : trimsuffix(name, ".json") =>
    replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(
      file("${local.folder}/${name}"),
      "arn:aws:kms:us-west-2:111122223333:key/00000000-0000-0000-0000-000000000000", var.key_arn),
      "oidc.eks.us-west-2.amazonaws.com/id/0000000000000000", var.oidc_provider),
      "docstore-content-us-west-2", var.content_bucket),
      "docstore-processed-us-west-2", var.processed_bucket),
      "docstore-logs-us-west-2", var.log_bucket),
      "docstore-transcription-us-west-2", var.transcription_bucket),
      "docstore-backups-us-west-2", var.backup_bucket),
      "docstore.example", var.mail_domain),
      "111122223333", var.account_id),
      ":us-west-2:", ":${var.region}:"),
    ".us-west-2.", ".${var.region}.")
  }
}

output "json" {
  value       = local.rendered
  description = "policies by the names of their files"
}
