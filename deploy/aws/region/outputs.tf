output "roles" {
  value       = module.roles.arns
  description = "eks.amazonaws.com/role-arn of each service's account"
}

output "upload_role_arn" {
  value       = module.roles.uploader_arn
  description = "objectStore.uploadRoleArn"
}

output "read_role_arn" {
  value       = module.roles.reader_arn
  description = "objectStore.readRoleArn"
}

output "kafka_bootstrap" {
  value       = module.kafka.bootstrap
  description = "kafka.bootstrap"
}

output "search_url" {
  value       = module.search.url
  description = "INDEXER_OPENSEARCH_URL of the indexer"
}

output "cdn" {
  value       = { url = module.cdn.url, keyId = module.cdn.key_id }
  description = "cdn of the chart, and GATEWAY_ASSET_URL"
}

output "cdn_domain_name" {
  value       = module.cdn.domain_name
  description = "where the name of the CDN leads: a CNAME"
}

output "content_bucket_arn" {
  value       = module.storage.content_arn
  description = "replica.bucket_arn of another region"
}

output "key_arn" {
  value       = module.storage.key_arn
  description = "replica.key_arn of another region"
}
