# The AWS side of a peering with MongoDB Atlas: accepted, routed, reached by the pods alone.

variable "peering_connection_id" {
  type        = string
  description = "connection that Atlas has requested"
}

variable "atlas_cidr" {
  type        = string
  description = "network of the Atlas cluster"
}

variable "route_table_ids" {
  type        = list(string)
  description = "route tables of the private subnets"
}

variable "client_security_group_id" {
  type        = string
  description = "security group of the pods"
}

resource "aws_vpc_peering_connection_accepter" "atlas" {
  vpc_peering_connection_id = var.peering_connection_id
  auto_accept               = true
}

resource "aws_route" "atlas" {
  for_each                  = toset(var.route_table_ids)
  route_table_id            = each.value
  destination_cidr_block    = var.atlas_cidr
  vpc_peering_connection_id = aws_vpc_peering_connection_accepter.atlas.id
}

resource "aws_vpc_security_group_egress_rule" "atlas" {
  security_group_id = var.client_security_group_id
  description       = "MongoDB Atlas over TLS"
  ip_protocol       = "tcp"
  from_port         = 27015
  to_port           = 27017
  cidr_ipv4         = var.atlas_cidr
}
