# A role for each service that uses AWS, for the jobs of backups, and the one whose temporary credentials clients get.

variable "policies" {
  type        = map(string)
  description = "rendered files of deploy/policies/aws"
}

variable "own_resources" {
  type        = bool
  default     = false
  description = "whether notify may send to topics, queues and buses of this account (NOTIFY_AWS_OWN_RESOURCES)"
}

variable "text_messages" {
  type        = bool
  default     = false
  description = "whether notify may send text messages to phones"
}

variable "transcription" {
  type        = bool
  default     = false
  description = "whether the indexer may use Amazon Transcribe (INDEXER_TRANSCRIPTION_BUCKET)"
}

locals {
  store_users = ["analytics", "indexer", "media", "metadata", "upload"]
  key_users   = concat(local.store_users, ["backup"])
  services    = toset(concat(local.key_users, ["gateway", "notify"]))
}

resource "aws_iam_role" "service" {
  for_each           = local.services
  name               = "docstore-${each.key}"
  assume_role_policy = replace(var.policies["service-role-trust"], "SERVICE", each.key)
}

resource "aws_iam_role_policy" "service" {
  for_each = local.services
  name     = "docstore"
  role     = aws_iam_role.service[each.key].id
  policy   = var.policies[each.key]
}

resource "aws_iam_role_policy" "key" {
  for_each = toset(local.key_users)
  name     = "kms"
  role     = aws_iam_role.service[each.key].id
  policy   = var.policies["kms"]
}

resource "aws_iam_role_policy" "own_resources" {
  count  = var.own_resources ? 1 : 0
  name   = "own-resources"
  role   = aws_iam_role.service["notify"].id
  policy = var.policies["notify-own-resources"]
}

resource "aws_iam_role_policy" "text_messages" {
  count  = var.text_messages ? 1 : 0
  name   = "text-messages"
  role   = aws_iam_role.service["notify"].id
  policy = var.policies["notify-text-messages"]
}

resource "aws_iam_role_policy" "transcription" {
  count  = var.transcription ? 1 : 0
  name   = "transcription"
  role   = aws_iam_role.service["indexer"].id
  policy = var.policies["indexer-transcription"]
}

resource "aws_iam_role_policy" "access_logs" {
  name   = "access-logs"
  role   = aws_iam_role.service["analytics"].id
  policy = var.policies["analytics-access-logs"]
}

resource "aws_iam_role" "uploader" {
  name               = "docstore-uploader"
  assume_role_policy = var.policies["uploader-role-trust"]
  depends_on         = [aws_iam_role.service]
}

resource "aws_iam_role_policy" "uploader" {
  for_each = { uploads = "uploader-role", kms = "kms" }
  name     = each.key
  role     = aws_iam_role.uploader.id
  policy   = var.policies[each.value]
}

resource "aws_iam_role" "reader" {
  name               = "docstore-reader"
  assume_role_policy = var.policies["reader-role-trust"]
  depends_on         = [aws_iam_role.service]
}

resource "aws_iam_role_policy" "reader" {
  for_each = { reads = "reader-role", kms = "kms" }
  name     = each.key
  role     = aws_iam_role.reader.id
  policy   = var.policies[each.value]
}

output "arns" {
  value       = { for service, role in aws_iam_role.service : service => role.arn }
  description = "roles by service, for services.<name>.serviceAccountAnnotations of the chart, and backup.serviceAccountAnnotations"
}

output "uploader_arn" {
  value       = aws_iam_role.uploader.arn
  description = "objectStore.uploadRoleArn of the chart"
}

output "reader_arn" {
  value       = aws_iam_role.reader.arn
  description = "objectStore.readRoleArn of the chart"
}
