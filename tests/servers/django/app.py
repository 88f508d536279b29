"""Things with the three paginations of Django REST framework. `python app.py PORT COUNT` serves them from a file beside it."""

import sys
from socketserver import ThreadingMixIn
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import django
from django.conf import settings

settings.configure(
    SECRET_KEY="of a test",
    ALLOWED_HOSTS=["127.0.0.1"],
    ROOT_URLCONF=__name__,
    INSTALLED_APPS=["rest_framework"],
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": "things.sqlite3", "OPTIONS": {"timeout": 20}}},
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
    REST_FRAMEWORK={"UNAUTHENTICATED_USER": None, "DEFAULT_AUTHENTICATION_CLASSES": [], "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"]},
)
django.setup()

from django.db import connection, models  # noqa: E402
from django.urls import include, path  # noqa: E402
from rest_framework import pagination, routers, serializers, viewsets  # noqa: E402


class Thing(models.Model):
    name = models.CharField(max_length=50)

    class Meta:
        app_label = "things"


class ThingSerializer(serializers.ModelSerializer):
    class Meta:
        model = Thing
        fields = ["id", "name"]


class ByNumber(pagination.PageNumberPagination):
    page_size_query_param = "page_size"
    page_size = 10


class ByOffset(pagination.LimitOffsetPagination):
    default_limit = 10


class ByCursor(pagination.CursorPagination):
    ordering = "id"
    page_size = 10


def shown(by):
    return type(by.__name__ + "View", (viewsets.ModelViewSet,), {
        "queryset": Thing.objects.order_by("id"), "serializer_class": ThingSerializer, "pagination_class": by})


router = routers.SimpleRouter(trailing_slash=False)
for name, by in [("number", ByNumber), ("offset", ByOffset), ("cursor", ByCursor)]:
    router.register(name, shown(by), basename=name)
urlpatterns = [path("", include(router.urls))]


class Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True
    request_queue_size = 64


if __name__ == "__main__":
    from django.core.wsgi import get_wsgi_application

    with connection.schema_editor() as editor:
        editor.create_model(Thing)
    Thing.objects.bulk_create(Thing(name=f"thing {n}") for n in range(1, int(sys.argv[2]) + 1))
    make_server("127.0.0.1", int(sys.argv[1]), get_wsgi_application(), Server, WSGIRequestHandler).serve_forever()
