# Amazon EKS for the chart in deploy/k8s: private nodes, encrypted secrets, roles for service accounts.

variable "name" {
  type        = string
  description = "name of the cluster"
}

variable "subnet_ids" {
  type        = list(string)
  description = "private subnets, one in each zone"
}

variable "key_arn" {
  type        = string
  description = "KMS key of secrets and logs"
}

variable "kubernetes_version" {
  type        = string
  default     = "1.34"
  description = "version of Kubernetes"
}

variable "instance_types" {
  type        = list(string)
  default     = ["m7g.large"]
  description = "sizes of nodes"
}

variable "nodes" {
  type        = object({ min = number, desired = number, max = number })
  default     = { min = 3, desired = 3, max = 9 }
  description = "number of nodes"
}

locals {
  trusted_by = { cluster = "eks.amazonaws.com", node = "ec2.amazonaws.com" }
  managed = {
    cluster = ["AmazonEKSClusterPolicy"]
    node    = ["AmazonEKSWorkerNodePolicy", "AmazonEKS_CNI_Policy", "AmazonEC2ContainerRegistryReadOnly"]
  }
  attachments = merge([
    for role, names in local.managed : { for name in names : "${role}/${name}" => { role = role, name = name } }
  ]...)
}

resource "aws_iam_role" "this" {
  for_each = local.trusted_by
  name     = "${var.name}-${each.key}"
  assume_role_policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Principal = { Service = each.value }, Action = "sts:AssumeRole" }]
  })
}

resource "aws_iam_role_policy_attachment" "this" {
  for_each   = local.attachments
  role       = aws_iam_role.this[each.value.role].name
  policy_arn = "arn:aws:iam::aws:policy/${each.value.name}"
}

resource "aws_cloudwatch_log_group" "cluster" {
  name              = "/aws/eks/${var.name}/cluster"
  retention_in_days = 365
  kms_key_id        = var.key_arn
}

resource "aws_eks_cluster" "this" {
  name                      = var.name
  version                   = var.kubernetes_version
  role_arn                  = aws_iam_role.this["cluster"].arn
  enabled_cluster_log_types = ["api", "audit", "authenticator", "controllerManager", "scheduler"]
  depends_on                = [aws_iam_role_policy_attachment.this, aws_cloudwatch_log_group.cluster]

  vpc_config {
    subnet_ids              = var.subnet_ids
    endpoint_private_access = true
    endpoint_public_access  = false
  }

  encryption_config {
    resources = ["secrets"]

    provider {
      key_arn = var.key_arn
    }
  }
}

resource "aws_launch_template" "node" {
  name_prefix = "${var.name}-"

  block_device_mappings {
    device_name = "/dev/xvda"

    ebs {
      encrypted   = true
      volume_size = 50
      volume_type = "gp3"
    }
  }

  # Pods have roles of their own: one hop keeps them from the node's.
  metadata_options {
    http_endpoint               = "enabled"
    http_tokens                 = "required"
    http_put_response_hop_limit = 1
  }
}

resource "aws_eks_node_group" "this" {
  cluster_name    = aws_eks_cluster.this.name
  node_group_name = "docstore"
  node_role_arn   = aws_iam_role.this["node"].arn
  subnet_ids      = var.subnet_ids
  ami_type        = "AL2023_ARM_64_STANDARD"
  instance_types  = var.instance_types
  depends_on      = [aws_iam_role_policy_attachment.this]

  launch_template {
    id      = aws_launch_template.node.id
    version = aws_launch_template.node.latest_version
  }

  scaling_config {
    min_size     = var.nodes.min
    desired_size = var.nodes.desired
    max_size     = var.nodes.max
  }
}

resource "aws_iam_openid_connect_provider" "service_accounts" {
  url            = aws_eks_cluster.this.identity[0].oidc[0].issuer
  client_id_list = ["sts.amazonaws.com"]
}

output "oidc_provider" {
  value       = trimprefix(aws_eks_cluster.this.identity[0].oidc[0].issuer, "https://")
  description = "issuer of service accounts, for the roles' trust"
}

output "security_group_id" {
  value       = aws_eks_cluster.this.vpc_config[0].cluster_security_group_id
  description = "security group of the pods"
}
