"""Gunicorn as it runs in production. The paths are absolute: a copy of this tree has to override them."""

bind = "0.0.0.0:8080"
workers = 2
worker_class = "sync"
timeout = 120
pidfile = "/home/ec2-user/ChatMRPT/gunicorn.pid"
accesslog = "/home/ec2-user/ChatMRPT/logs/access.log"
errorlog = "/home/ec2-user/ChatMRPT/logs/error.log"
loglevel = "info"
