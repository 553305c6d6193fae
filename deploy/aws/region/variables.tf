variable "region" {
  type        = string
  description = "AWS region; `region` of the chart"
}

variable "name" {
  type        = string
  default     = "docstore"
  description = "name of what is made"
}

variable "public_url" {
  type        = string
  description = "the gateway's public address; publicUrl of the chart"

  validation {
    condition     = can(regex("^https://[^/]+$", var.public_url))
    error_message = "The public URL is https:// and a host name."
  }
}

variable "mail_domain" {
  type        = string
  description = "identity that SES sends as"
}

variable "vpc_id" {
  type        = string
  description = "network"
}

variable "private_subnet_ids" {
  type        = list(string)
  description = "a private subnet in each of three zones"

  validation {
    condition     = length(var.private_subnet_ids) == 3
    error_message = "Three zones, so that one may fail."
  }
}

variable "route_table_ids" {
  type        = list(string)
  description = "route tables of the private subnets"
}

variable "atlas" {
  type        = object({ peering_connection_id = string, cidr = string })
  description = "the peering that MongoDB Atlas has requested, and its network"
}

variable "kafka_secret_arns" {
  type        = list(string)
  description = "secrets AmazonMSK_<service> with username and password"
}

variable "search_password" {
  type        = string
  sensitive   = true
  description = "INDEXER_OPENSEARCH_PASSWORD"
}

variable "cdn" {
  type        = object({ host = string, certificate_arn = string, public_key_pem = string })
  description = "name of the CDN, its certificate in us-east-1, and the public key of DOCSTORE_CDN_PRIVATE_KEY"
}

variable "load_balancer_arns" {
  type        = list(string)
  default     = []
  description = "load balancers of the chart's ingress, once they are there"
}

variable "replica" {
  type        = object({ bucket_arn = string, key_arn = string })
  default     = null
  description = "contents are copied there: outputs content_bucket_arn and key_arn of another region; null: nowhere"
}
