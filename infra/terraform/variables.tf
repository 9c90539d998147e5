# Every variable has a default, so that a plan can be made and checked without any; the default
# project belongs to nobody, and nothing can be applied to it.

variable "project" {
  description = "The id of the Google Cloud project that Switchman itself runs in."
  type        = string
  default     = "example-project"
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{4,28}[a-z0-9]$", var.project))
    error_message = "A project id has 6 to 30 lower-case letters, digits and hyphens, and begins with a letter."
  }
}

variable "region" {
  description = "The region of the functions, the scheduler and the store."
  type        = string
  default     = "us-central1"
  nullable    = false

  validation {
    condition     = can(regex("^[a-z]+-[a-z]+[0-9]+$", var.region))
    error_message = "A region is given as in us-central1."
  }
}

variable "prefix" {
  description = "What the names of all resources begin with, but those of the topics: the code knows these as events, pages and changes."
  type        = string
  default     = "switchman"
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,11}[a-z0-9]$", var.prefix))
    error_message = "The prefix has 3 to 13 lower-case letters, digits and hyphens, begins with a letter and does not end with a hyphen: a service account's id has room for no more."
  }
}

variable "policy" {
  description = "The policy file, from the root of the repository; null for the shipped one. Its stacks name the Cloud Run services that Switchman may change."
  type        = string
  default     = null

  validation {
    condition     = var.policy == null || can(regex("^infra/policies/[A-Za-z0-9._-]+\\.ya?ml$", var.policy))
    error_message = "Only infra/policies/ is uploaded with the functions: put the policy there."
  }
}

variable "source_bucket" {
  description = "The bucket that holds the source archive; null for PROJECT-switchman."
  type        = string
  default     = null
}

variable "source_object" {
  description = "The source archive in that bucket. Another name is another version: only then are the functions built anew."
  type        = string
  default     = "switchman.zip"
  nullable    = false

  validation {
    condition     = endswith(var.source_object, ".zip")
    error_message = "The source archive is a .zip file."
  }
}

variable "database" {
  description = "The Firestore database that is made for Switchman."
  type        = string
  default     = "switchman"
  nullable    = false

  validation {
    condition     = var.database == "(default)" || can(regex("^[a-z][a-z0-9-]{2,61}[a-z0-9]$", var.database))
    error_message = "A database is called (default), or has 4 to 63 lower-case letters, digits and hyphens."
  }
}

variable "min_instances" {
  description = "How many instances are kept warm of the functions that somebody waits for."
  type        = map(number)
  default     = { ingest = 1, slack = 1, act-pages = 1 }
  nullable    = false

  validation {
    condition     = length(setsubtract(keys(var.min_instances), ["ingest", "slack", "act-pages"])) == 0
    error_message = "Only ingest, slack and act-pages are kept warm."
  }

  validation {
    condition     = alltrue([for number in values(var.min_instances) : number >= 0 && number <= 20 && floor(number) == number])
    error_message = "A number of instances is a whole number from 0 to 20."
  }
}

variable "status_viewers" {
  description = "Who may open the pages of status, as IAM members: user:ruth@example.com, group:oncall@example.com."
  type        = set(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for member in var.status_viewers : can(regex("^(user|group|serviceAccount|domain):[^ ]+$", member))])
    error_message = "Name people, groups, service accounts or a domain; the pages are never for everybody."
  }
}

variable "run_service_accounts" {
  description = "The e-mail addresses of the accounts that the policy's Cloud Run services run as. Whoever changes a service's traffic must be allowed to act as its account."
  type        = set(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for email in var.run_service_accounts : can(regex("^[^@: ]+@[^@: ]+\\.gserviceaccount\\.com$", email))])
    error_message = "A service account is named by its e-mail address, without serviceAccount: before it."
  }
}

variable "status_url" {
  description = "Where people reach the status pages, before /status: a load balancer's address, or http://localhost:8081 for those who run the proxy. Slack messages link to it; null for no links."
  type        = string
  default     = null

  validation {
    condition     = var.status_url == null || can(regex("^https?://[^ ]+$", var.status_url))
    error_message = "The address of the status pages is a URL: https://..."
  }
}

variable "prometheus" {
  description = "The address of a Prometheus that the policy's metrics are asked of, before /api/v1; null where there is none. Cloud Monitoring needs no address."
  type        = string
  default     = null

  validation {
    condition     = var.prometheus == null || can(regex("^https?://[^ ]+$", var.prometheus))
    error_message = "The address of Prometheus is a URL: https://..."
  }
}

variable "prometheus_token" {
  description = "Whether that Prometheus wants a bearer token. A secret is made for it then, which is empty until its first version is added."
  type        = bool
  default     = false
  nullable    = false
}

variable "drill_schedule" {
  description = "When the rollback of each of the policy's stacks is drilled, as a cron expression."
  type        = string
  default     = "0 10 * * 2"
  nullable    = false

  validation {
    condition     = length(split(" ", var.drill_schedule)) == 5
    error_message = "A schedule has five fields: minute, hour, day, month, day of the week."
  }
}

variable "drill_apply" {
  description = "Whether a drill moves traffic and puts it back; without, it only makes the plan."
  type        = bool
  default     = false
  nullable    = false
}

variable "time_zone" {
  description = "The time zone of the drill's schedule."
  type        = string
  default     = "Etc/UTC"
  nullable    = false
}

variable "fallback_emails" {
  description = "Who is written to when Switchman itself is in trouble, in case it cannot page anybody. Leave it empty only while trying things out."
  type        = set(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for email in var.fallback_emails : can(regex("^[^@ ]+@[^@ ]+$", email))])
    error_message = "An e-mail address is given as in oncall@example.com."
  }
}

variable "tolerated_unknown_senders" {
  description = "How many requests with a wrong token or signature are let pass in five minutes. Alertmanager never repeats what was answered 401, so one of them may be a lost alert."
  type        = number
  default     = 0
  nullable    = false

  validation {
    condition     = var.tolerated_unknown_senders >= 0
    error_message = "A number of requests is not negative."
  }
}

variable "tolerated_rejected_share" {
  description = "Which share of all alerts may be unreadable, over a quarter of an hour."
  type        = number
  default     = 0.05
  nullable    = false

  validation {
    condition     = var.tolerated_rejected_share >= 0 && var.tolerated_rejected_share < 1
    error_message = "A share is at least 0 and less than 1."
  }
}
